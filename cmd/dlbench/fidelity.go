package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/stats"
	"github.com/dlbench/dlbench/runners/launch"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/runners/session"
	"github.com/dlbench/dlbench/workloads/plan"
)

func (p *program) fidelityCommand() *cli.Command {
	flags := append(selectionFlags(), termFlags()...)
	return &cli.Command{
		Name:  "fidelity",
		Usage: "compare each runner with a bare loop of its framework in the same image, and the sampler on with off",
		Flags: append(flags,
			&cli.IntFlag{Name: "rounds", Value: 6, Usage: "pairs of fresh processes"},
			&cli.IntFlag{Name: "blocks", Value: 6, Usage: "blocks of each process, in turn with its twin's"},
			&cli.StringFlag{Name: "o", Usage: "write the table as Markdown to `FILE`, too, with the machine it is of"},
			jsonFlag()),
		Action: p.doFidelity,
	}
}

// fidelityWorkloads are what is compared where nobody says another.
var fidelityWorkloads = []string{"resnet50/infer/b8/fp32", "resnet50/train/b8/fp32"}

// fidelity is one row: two ratios with their intervals.
type fidelity struct {
	Workload string         `json:"workload"`
	Runner   string         `json:"runner"`
	Bare     float64        `json:"bare_images_per_s"`
	Own      float64        `json:"runner_images_per_s"`
	Ratio    float64        `json:"ratio"` // runner over bare
	Interval stats.Interval `json:"interval"`
	Sampler  float64        `json:"sampler_ratio"` // sampled over unsampled
	Sampled  stats.Interval `json:"sampler_interval"`
	Pairs    int            `json:"pairs"`
}

func (p *program) doFidelity(c *cli.Context) (err error) {
	ctx := c.Context
	if !c.IsSet("suite") && !c.IsSet("workload") {
		for _, id := range fidelityWorkloads {
			if err := c.Set("workload", id); err != nil {
				return err
			}
		}
	}
	b, err := p.newBench(ctx, c, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close(ctx)) }()
	var rows []fidelity
	for _, id := range b.selection.workloads {
		for _, m := range b.selection.runners {
			if b.startable[m.Name].unusable != "" || len(m.Bare) == 0 {
				continue
			}
			row, err := b.fidelityOf(ctx, m.Name, id, c.Int("rounds"), c.Int("blocks"))
			if cannot(err) {
				b.progress.say("%s on %s: %v", id, m.Name, err)
				continue
			}
			if err != nil {
				return err
			}
			rows = append(rows, row)
		}
	}
	b.progress.end()
	if len(rows) == 0 {
		return lackingHere(errors.New("no runner could compare any of the workloads with a bare loop"), "dlbench doctor tells what is missing")
	}
	if path := c.String("o"); path != "" {
		if err := p.writeFidelity(ctx, b, path, rows); err != nil {
			return err
		}
	}
	if c.Bool("json") {
		return p.printJSON(rows)
	}
	return fidelityTable(rows).Write(p.stdout, p.width)
}

// cannot says that a runner refused a workload as unsupported, or that a bare
// loop knows CPUs alone.
func cannot(err error) bool {
	var refused *protocol.Error
	var broken *session.Failure
	return errors.As(err, &refused) && (refused.Code == protocol.Unsupported || refused.Code == protocol.DeviceUnavailable) || errors.As(err, &broken) && broken.Kind == session.WrongDevice
}

// fidelityOf starts a runner and its bare twin together, round after round,
// and lets them run blocks in turn: while one computes, the other waits for a
// request. Every second block of the runner is sampled as in a campaign.
func (b *bench) fidelityOf(ctx context.Context, runner string, id plan.ID, rounds, blocks int) (fidelity, error) {
	row := fidelity{Workload: id.String(), Runner: runner, Pairs: rounds}
	made, err := plan.New(id, b.selection.seed)
	if err != nil {
		return row, err
	}
	files, err := b.materialize(ctx, made)
	if err != nil {
		return row, err
	}
	var ratios, sampled, bare, own []float64
	for round := range rounds {
		b.progress.step(fmt.Sprintf("%s on %s, pair %d of %d", id, runner, round+1, rounds), float64(round)/float64(rounds), 0)
		d, err := b.pair(ctx, runner, id, files, blocks, starts{bare: round%2 == 1, sampled: round%4 < 2})
		if err != nil {
			return row, err
		}
		images := float64(id.Batch)
		bare = append(bare, images/stats.Median(d.bare))
		own = append(own, images/stats.Median(append(d.sampled, d.unsampled...)))
		ratios = append(ratios, own[round]/bare[round])
		sampled = append(sampled, stats.Median(d.unsampled)/stats.Median(d.sampled))
	}
	row.Bare, row.Own = stats.Median(bare), stats.Median(own)
	row.Ratio, row.Interval = stats.Ratio(ratios, 0.95)
	row.Sampler, row.Sampled = stats.Ratio(sampled, 0.95)
	return row, nil
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

func (b *bench) pair(ctx context.Context, runner string, id plan.ID, files plan.Files, blocks int, first starts) (d durations, err error) {
	s := b.startable[runner]
	twin := s.manifest
	twin.Name = "bare-" + runner
	twin.Command = s.manifest.Bare
	if twin.Local != nil {
		local := *twin.Local
		local.Command = twin.Command
		twin.Local = &local
	}
	var pair [2]*turn
	for i, m := range []struct{ bare bool }{{false}, {true}} {
		which := s.manifest
		if m.bare {
			which = twin
		}
		opened, openErr := b.launcher.Open(ctx, which, s.image, s.device)
		if openErr != nil {
			return d, openErr
		}
		defer func() { err = errors.Join(err, opened.Close(ctx)) }()
		pair[i] = &turn{Runner: opened, device: s.device.Name}
		if err = pair[i].ready(ctx, files); err != nil {
			return d, err
		}
	}
	pair[1].iterations = pair[0].iterations // the same work in each block
	err = b.turns(ctx, pair, id, blocks, first, &d)
	return d, err
}

// A pair takes about the time of its blocks and of two warm-ups.
const (
	fidelityBlock  = time.Second
	fidelityWarmup = 3 * time.Second
)

// ready loads, warms up and sizes the blocks.
func (t *turn) ready(ctx context.Context, files plan.Files) error {
	if _, err := t.Load(ctx, files); err != nil {
		return err
	}
	var typical float64
	for began, n := time.Now(), 3; time.Since(began) < fidelityWarmup; n = 10 {
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
	t.iterations = max(2, int(math.Ceil(fidelityBlock.Seconds()/typical)))
	return nil
}

func (b *bench) turns(ctx context.Context, pair [2]*turn, id plan.ID, blocks int, first starts, d *durations) error {
	scenario := protocol.Offline
	if id.Mode == plan.Train {
		scenario = protocol.TrainStep
	}
	order := pair
	if first.bare {
		order = [2]*turn{pair[1], pair[0]}
	}
	for block := range blocks {
		for _, t := range order {
			sampling := t == pair[0] && (block%2 == 0) == first.sampled
			seconds, err := b.block(ctx, t, scenario, sampling)
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

func (b *bench) block(ctx context.Context, t *turn, scenario protocol.Scenario, sampling bool) (seconds float64, err error) {
	if sampling {
		recording, err := b.meter.Start(ctx, t.Identity(), t.device)
		if err != nil {
			return 0, err
		}
		defer recording.Stop(&record.Process{})
	}
	r, _, err := t.Measure(ctx, protocol.MeasureParams{Scenario: scenario, Iterations: t.iterations, FirstSlot: t.slot}, false)
	t.slot = (t.slot + t.iterations) % 2
	return float64(r.EndNS-r.StartNS) / 1e9 / float64(t.iterations), err
}
