package fidelity

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/stats"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/launch"
	"github.com/dlbench/dlbench/runners/manifest"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/plan"
)

// comparison is one runner that is compared with its bare twin.
type comparison struct {
	*bench.Bench
	entry bench.Entry
	Options
}

// row is all that is compared of a workload.
func (c comparison) row(ctx context.Context, id plan.ID) (Row, error) {
	row := Row{Workload: id.String(), Runner: c.entry.Name(), Pairs: c.Rounds}
	_, files, err := c.Make(ctx, id)
	if err == nil && c.Rounds > 0 {
		err = c.pairs(ctx, id, files, &row)
	}
	if err == nil && c.Processes > 0 {
		err = c.inProcess(ctx, id, files, &row)
	}
	return row, err
}

// pairs starts a runner and its bare twin together, round after round, and lets
// them run blocks in turn: while one computes, the other waits for a request.
// Every second block of the runner is sampled as in a campaign.
func (c comparison) pairs(ctx context.Context, id plan.ID, files plan.Files, row *Row) error {
	var ratios, sampled, bare, own []float64
	for round := range c.Rounds {
		c.Bench.Progress().Step(fmt.Sprintf("%s on %s, pair %d of %d", id, row.Runner, round+1, c.Rounds), float64(round)/float64(c.Rounds), 0)
		d, err := c.pair(ctx, id, files, starts{bare: round%2 == 1, sampled: round%4 < 2})
		if err != nil {
			return err
		}
		images := float64(id.Batch)
		bare = append(bare, images/stats.Median(d.bare))
		own = append(own, images/stats.Median(append(d.sampled, d.unsampled...)))
		ratios = append(ratios, own[round]/bare[round])
		sampled = append(sampled, stats.Median(d.unsampled)/stats.Median(d.sampled))
	}
	row.Bare, row.Own = stats.Median(bare), stats.Median(own)
	row.Ratio, row.Interval = stats.Ratio(ratios, stats.Level)
	row.Sampler, row.Sampled = stats.Ratio(sampled, stats.Level)
	return nil
}

// durations are seconds an iteration, by block.
type durations struct{ bare, sampled, unsampled []float64 }

// starts says who comes first: what begins is in another state than what
// follows, so both orders take turns over the pairs.
type starts struct{ bare, sampled bool }

// turn is one of the two processes that take turns.
type turn struct {
	*launch.Runner
	device     string
	iterations int
	slot       int
}

// bareTwin is the framework's own loop in the runner's image.
func bareTwin(m manifest.Manifest) manifest.Manifest {
	m.Name, m.Command = "bare-"+m.Name, m.Bare
	if m.Local != nil {
		local := *m.Local
		local.Command = m.Command
		m.Local = &local
	}
	return m
}

func (c comparison) pair(ctx context.Context, id plan.ID, files plan.Files, first starts) (d durations, err error) {
	var pair [2]*turn
	for i, m := range []manifest.Manifest{c.entry.Manifest, bareTwin(c.entry.Manifest)} {
		which := c.entry
		which.Manifest = m
		opened, openErr := c.Start(ctx, which)
		if openErr != nil {
			return d, openErr
		}
		defer func() { err = errors.Join(err, opened.Close(ctx)) }()
		pair[i] = &turn{Runner: opened, device: which.Device.Name}
		if err = pair[i].ready(ctx, files, c.Options); err != nil {
			return d, err
		}
	}
	pair[1].iterations = pair[0].iterations // the same work in each block
	err = c.turns(ctx, pair, id, first, &d)
	return d, err
}

// ready loads, warms up and sizes the blocks.
func (t *turn) ready(ctx context.Context, files plan.Files, o Options) error {
	if _, err := t.Load(ctx, files); err != nil {
		return err
	}
	var typical float64
	for began, n := time.Now(), 3; time.Since(began) < o.WarmupTime; n = 10 {
		w, err := t.Warmup(ctx, protocol.WarmupParams{Iterations: n})
		if err != nil {
			return err
		}
		var seconds []float64
		for _, ns := range w.IterationNS {
			seconds = append(seconds, float64(ns)/1e9)
		}
		typical = stats.Median(seconds)
	}
	t.iterations = max(2, int(math.Ceil(o.BlockTime.Seconds()/typical)))
	return nil
}

func (c comparison) turns(ctx context.Context, pair [2]*turn, id plan.ID, first starts, d *durations) error {
	scenario := protocol.Offline
	if id.Mode == plan.Train {
		scenario = protocol.TrainStep
	}
	order := pair
	if first.bare {
		order = [2]*turn{pair[1], pair[0]}
	}
	for block := range c.Blocks {
		for _, t := range order {
			sampling := t == pair[0] && (block%2 == 0) == first.sampled
			seconds, err := c.block(ctx, t, scenario, sampling)
			if err != nil {
				return err
			}
			switch {
			case t == pair[1]:
				d.bare = append(d.bare, seconds)
			case sampling:
				d.sampled = append(d.sampled, seconds)
			default:
				d.unsampled = append(d.unsampled, seconds)
			}
		}
	}
	return nil
}

func (c comparison) block(ctx context.Context, t *turn, scenario protocol.Scenario, sampling bool) (seconds float64, err error) {
	if sampling {
		recording, err := c.Meter().Start(ctx, t.Identity(), t.device)
		if err != nil {
			return 0, err
		}
		defer recording.Stop(&record.Process{})
	}
	r, _, err := t.Measure(ctx, protocol.MeasureParams{Scenario: scenario, Iterations: t.iterations, FirstSlot: t.slot}, false)
	t.slot = (t.slot + t.iterations) % 2
	return float64(r.EndNS-r.StartNS) / 1e9 / float64(t.iterations), err
}
