package selftest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/stats"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/runners/campaign"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/plan"
)

// samplerCost is the share of throughput that sampling may take.
const samplerCost = 0.005

// Sampling compares blocks that are watched with blocks that are not, in turn
// inside fresh processes.
type Sampling struct {
	Runner    string
	Plan      *plan.Plan
	Files     plan.Files
	Processes int
	Device    string
	Meter     campaign.Meter
	Open      func(ctx context.Context) (campaign.Runner, error)
	Usage     func() (Usage, error) // of the harness
	Now       func() time.Time
	Progress  func(text string, share float64)
	Haste     int // see bench.Host
}

// The length of a process.
const (
	samplingPairs = 5   // of blocks
	samplingBlock = 5e8 // ns
)

// Run measures and decides: what sampling costs the runner, and what the harness
// uses meanwhile.
func (s Sampling) Run(ctx context.Context) ([]Promise, error) {
	var ratios []float64
	var own whileMeasuring
	for i := range s.Processes {
		if s.Progress != nil {
			s.Progress(fmt.Sprintf("%s with the sampler on and off, process %d of %d", s.Runner, i+1, s.Processes), float64(i)/float64(s.Processes))
		}
		ratio, err := s.process(ctx, i%2 == 0, &own)
		if err != nil {
			return nil, err
		}
		ratios = append(ratios, ratio)
	}
	ratio := summary.Paired(ratios)
	p := Promise{Part: s.Runner + ", sampler on against off", Promise: "costs at most 0.5 %", Seen: fmt.Sprintf("%.4f, too few processes for an interval", ratio.Value), Kept: true}
	if !ratio.IsRange() {
		p.Seen = fmt.Sprintf("%.4f (%.4f – %.4f)", ratio.Value, ratio.Low, ratio.High)
		p.Kept = ratio.High >= 1-samplerCost
	}
	return append([]Promise{p}, own.promises(s.Runner)...), nil
}

// process is one process's throughput with the sampler over that without.
func (s Sampling) process(ctx context.Context, watchedFirst bool, own *whileMeasuring) (ratio float64, err error) {
	r, err := s.Open(ctx)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, r.Close(ctx)) }()
	if _, err := r.Load(ctx, s.Files); err != nil {
		return 0, err
	}
	w, err := r.Warmup(ctx, protocol.WarmupParams{Iterations: 30})
	if err != nil {
		return 0, err
	}
	iterations := max(2, int(samplingBlock/float64(max(1, s.Haste))/stats.Median(floats(w.IterationNS[10:]))))
	campaign.Settle() // as a campaign does before it samples
	var on, off []float64
	for range samplingPairs {
		for _, watched := range []bool{watchedFirst, !watchedFirst} {
			length, err := s.block(ctx, r, iterations, watched, own)
			if err != nil {
				return 0, err
			}
			if watched {
				on = append(on, length)
			} else {
				off = append(off, length)
			}
		}
	}
	return stats.Median(off) / stats.Median(on), nil
}

func (s Sampling) block(ctx context.Context, r campaign.Runner, iterations int, watched bool, own *whileMeasuring) (float64, error) {
	if !watched {
		return s.measure(ctx, r, iterations)
	}
	recording, err := s.Meter.Start(ctx, r.Identity(), s.Device)
	if err != nil {
		return 0, err
	}
	defer recording.Stop(&record.Process{})
	before, err := s.Usage()
	if err != nil {
		return 0, err
	}
	began := s.Now()
	length, err := s.measure(ctx, r, iterations)
	if err != nil {
		return 0, err
	}
	took := s.Now().Sub(began)
	after, err := s.Usage()
	own.add(before, after, took)
	return length, err
}

func (s Sampling) measure(ctx context.Context, r campaign.Runner, iterations int) (float64, error) {
	scenario := protocol.Offline
	if s.Plan.Mode == plan.Train {
		scenario = protocol.TrainStep
	}
	m, _, err := r.Measure(ctx, protocol.MeasureParams{Scenario: scenario, Iterations: iterations}, false)
	return float64(m.EndNS - m.StartNS), err
}
