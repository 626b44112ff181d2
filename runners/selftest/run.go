package selftest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"

	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/campaign"
	"github.com/dlbench/dlbench/runners/manifest"
	"github.com/dlbench/dlbench/workloads/plan"
)

// What the self-test takes if nobody says another: a real runner on work that is
// short enough for many processes.
const (
	defaultRunner   = "pytorch"
	defaultWorkload = "lenet/infer/b32/fp32"
	nullIteration   = 1_000_000 // ns that the null runner waits
)

// Options say how much the harness is asked.
type Options struct {
	bench.Setup
	Rounds  int  // processes of each side in a campaign
	Repeats int  // campaigns with each runner
	Short   bool // one campaign of six processes with the null runner only
}

func (o Options) filled() Options {
	if len(o.Runners) == 0 {
		o.Runners = []string{defaultRunner}
		if o.Short {
			o.Runners = []string{"reference"} // not measured: it only lends its image to the null runner
		}
	}
	if o.Suite == "" && len(o.Workloads) == 0 {
		o.Workloads = []string{defaultWorkload}
	}
	if o.Short {
		o.Rounds, o.Repeats = fewestRounds, 1
	}
	return o
}

// fewestRounds are what the smallest interval needs.
const fewestRounds = 6

func (o Options) check() error {
	if o.Rounds < fewestRounds {
		return bench.UsageError(fmt.Errorf("--rounds is %d, expected at least %d", o.Rounds, fewestRounds))
	}
	if o.Repeats < 1 {
		return bench.UsageError(fmt.Errorf("--repeats is %d, expected at least 1", o.Repeats))
	}
	return nil
}

// Run asks the harness for its own error on this machine.
func Run(ctx context.Context, o Options) (promises []Promise, err error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	o = o.filled()
	b, err := bench.Open(ctx, o.Setup)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.Close(ctx)) }()
	b.Progress().Step("simulate intervals", -1, 0)
	promises = Coverage()
	t := &trial{Bench: b, Options: o}
	if t.plan, t.files, err = b.Make(ctx, b.Workloads()[0]); err != nil {
		return nil, err
	}
	b.Progress().Step("the null runner", -1, 0)
	floor, err := Floor(ctx, t.files, t.opener(null(b.Reference(), 0), nil))
	if err != nil {
		return nil, err
	}
	promises = append(promises, floor...)
	subjects := []subject{{null(b.Reference(), nullIteration), []float64{0.005, 0.01, 0.02, 0.05}, 0.02}}
	for _, e := range b.Entries() {
		if e.Unusable == "" && !o.Short {
			subjects = append(subjects, subject{e, []float64{0.005, 0.01, 0.02, 0.05}, 0.05})
		}
	}
	for _, s := range subjects {
		more, err := t.of(ctx, s)
		promises = append(promises, more...)
		if err != nil {
			return nil, err
		}
	}
	return promises, nil
}

// trial is what every subject is tested with.
type trial struct {
	*bench.Bench
	Options
	plan  *plan.Plan
	files plan.Files
}

// subject is a runner that is compared with itself.
type subject struct {
	bench.Entry
	slowdowns []float64
	sure      float64
}

func (t *trial) of(ctx context.Context, s subject) ([]Promise, error) {
	progress := func(text string, share float64) { t.Bench.Progress().Step(text, share, 0) }
	experiment := Experiment{Runner: s.Name(), Plan: t.plan, Files: t.files, Slowdowns: s.slowdowns, Sure: s.sure,
		Rounds: t.Rounds, Repeats: t.Repeats, Seed: t.Seed, Device: s.Device.Name, Meter: t.Meter(), Progress: progress, Haste: t.Host.Haste,
		Open: func(ctx context.Context, slowdown float64) (campaign.Runner, error) {
			return t.opener(s.Entry, &slowdown)(ctx)
		}}
	promises, err := experiment.Run(ctx)
	if err != nil {
		return nil, err
	}
	sampling := Sampling{Runner: s.Name(), Plan: t.plan, Files: t.files, Processes: t.Rounds, Device: s.Device.Name, Meter: t.Meter(),
		Open: t.opener(s.Entry, nil), Usage: OwnUsage, Now: t.Host.Now, Progress: progress, Haste: t.Host.Haste}
	cost, err := sampling.Run(ctx)
	return append(promises, cost...), err
}

// slowdownVariable is read by the library of the Python runners.
const slowdownVariable = "DLBENCH_SLOWDOWN"

// opener starts a runner, slowed if a share is given. A runner that does not
// confirm its slowdown cannot be tested with it.
func (t *trial) opener(e bench.Entry, slowdown *float64) func(ctx context.Context) (campaign.Runner, error) {
	if slowdown != nil {
		variables := maps.Clone(e.Manifest.Environment)
		if variables == nil {
			variables = map[string]string{}
		}
		variables[slowdownVariable] = strconv.FormatFloat(*slowdown, 'g', -1, 64)
		e.Manifest.Environment = variables
	}
	return func(ctx context.Context) (campaign.Runner, error) {
		opened, err := t.Start(ctx, e)
		if err != nil {
			return nil, err
		}
		if _, confirmed := opened.Hello().Terms.Switches["injected_slowdown"]; slowdown != nil && !confirmed {
			refusal := fmt.Errorf("runner %q cannot be slowed on purpose: choose one whose adapter is written in Python 3", e.Name())
			return nil, errors.Join(bench.UsageError(refusal), opened.Close(ctx))
		}
		return opened, nil
	}
}

// null is a runner without a framework, in the reference's image, each of whose
// iterations waits.
func null(reference bench.Entry, waits int) bench.Entry {
	m := reference.Manifest
	command := []string{"python3", "-m", "dlbench_sdk.null"}
	m.Name, m.Framework, m.Command, m.Reference = "null", "none", command, false
	if m.Local != nil {
		m.Local = &manifest.Local{Command: command, Requires: m.Local.Requires}
	}
	m.Environment = map[string]string{"DLBENCH_NULL_NS": strconv.Itoa(waits)}
	reference.Manifest = m
	return reference
}
