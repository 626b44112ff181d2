// Package fidelity compares each runner with a bare loop of its framework in the
// same image, in two fresh processes and in one process, and the sampler on
// against off: what the harness itself costs.
package fidelity

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/stats"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/runners/session"
)

// Workloads are what is compared if nobody says another.
var Workloads = []string{"resnet50/infer/b8/fp32", "resnet50/train/b8/fp32"}

// Options say what is compared.
type Options struct {
	bench.Setup
	Rounds int // pairs of fresh processes
	Blocks int // of each process, in turn with its twin's

	Processes int // that hold both, the runner and its bare loop
	Groups    int // of four blocks in each of those

	BlockTime  time.Duration // that a block aims at; 0 is a second
	TurnTime   time.Duration // that a block in one process aims at; 0 is a tenth of one
	WarmupTime time.Duration // of each process; 0 is three seconds
}

func (o Options) filled() Options {
	if o.Suite == "" && len(o.Workloads) == 0 {
		o.Workloads = Workloads
	}
	if o.BlockTime == 0 {
		o.BlockTime = time.Second
	}
	if o.TurnTime == 0 {
		o.TurnTime = 100 * time.Millisecond
	}
	if o.WarmupTime == 0 {
		o.WarmupTime = 3 * time.Second
	}
	return o
}

// Row is one runner on one workload. Without pairs only what was seen in one
// process is there.
type Row struct {
	Workload string         `json:"workload"`
	Runner   string         `json:"runner"`
	Bare     float64        `json:"bare_images_per_s"`
	Own      float64        `json:"runner_images_per_s"`
	Ratio    float64        `json:"ratio"` // runner over bare
	Interval stats.Interval `json:"interval"`
	Sampler  float64        `json:"sampler_ratio"` // sampled over unsampled
	Sampled  stats.Interval `json:"sampler_interval"`
	Pairs    int            `json:"pairs"`

	InProcess   *InProcess `json:"in_process,omitempty"`
	NoInProcess string     `json:"no_in_process,omitempty"` // why it is missing, if it was asked for
}

// Answer is what was compared, and where.
type Answer struct {
	Rows        []Row
	Environment record.Environment
	Terms       record.Terms
	Devices     []device.Device
	Engine      string
}

// Run compares every selected runner that has a bare loop. With an error, the
// rows are those that were whole before it.
func Run(ctx context.Context, o Options) (a Answer, err error) {
	o = o.filled()
	if o.Rounds <= 0 && o.Processes <= 0 || o.Rounds > 0 && o.Blocks < 2 || o.Processes > 0 && o.Groups < 1 {
		return a, bench.UsageError(fmt.Errorf("%d pairs of %d blocks and %d processes of %d groups compare nothing", o.Rounds, o.Blocks, o.Processes, o.Groups))
	}
	b, err := bench.Open(ctx, o.Setup)
	if err != nil {
		return a, err
	}
	defer func() { err = errors.Join(err, b.Close(ctx)) }()
	a = Answer{Environment: o.Host.Machine(ctx), Terms: b.Terms(), Devices: b.Devices(), Engine: b.EngineName()}
	for _, id := range b.Workloads() {
		for _, e := range b.Entries() {
			if e.Unusable != "" || len(e.Manifest.Bare) == 0 {
				continue
			}
			row, err := comparison{b, e, o}.row(ctx, id)
			if cannot(err) {
				b.Progress().Say("%s on %s: %v", id, e.Name(), err)
				continue
			}
			if err != nil {
				return a, err
			}
			a.Rows = append(a.Rows, row)
		}
	}
	if len(a.Rows) == 0 {
		return a, bench.EnvironmentError(errors.New("no runner could compare any of the workloads with a bare loop"), "dlbench doctor tells what is missing")
	}
	return a, nil
}

// cannot says that a runner refused a workload as unsupported, or that a bare
// loop knows only CPUs.
func cannot(err error) bool {
	var refused *protocol.Error
	var broken *session.Failure
	return errors.As(err, &refused) && refused.Lacking() || errors.As(err, &broken) && broken.Kind == session.WrongDevice
}
