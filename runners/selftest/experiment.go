package selftest

import (
	"context"
	"fmt"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/stats"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/runners/campaign"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/workloads/plan"
)

// Experiment is campaigns of one runner against itself: as it is twice, and
// slowed on purpose.
type Experiment struct {
	Runner    string
	Plan      *plan.Plan
	Files     plan.Files
	Slowdowns []float64 // shares, like 0.02
	Sure      float64   // a slowdown from here on has to be found every time
	Rounds    int       // processes of each subject in a campaign
	Repeats   int       // campaigns
	Seed      uint64
	Device    string
	Meter     campaign.Meter
	// Open starts a process that is slowed by a share; 0 is as it is, through
	// the same wrapper.
	Open     func(ctx context.Context, slowdown float64) (campaign.Runner, error)
	Progress func(text string, share float64)
	Now      func() time.Time // nil is time.Now
	Haste    int              // see bench.Host
}

// profile is short, because a campaign of the self-test is many processes.
func profile(rounds int) campaign.Profile {
	return campaign.Profile{Name: "selftest", Blocks: 3, BlockTime: 200 * time.Millisecond, LatencyTime: time.Millisecond,
		WarmupTime: 2 * time.Second}.WithRounds(rounds)
}

// outcome is what the campaigns said of one subject against the runner as it
// is.
type outcome struct {
	slowdown float64
	slower   int // verdicts
	faster   int
	covered  int // intervals that hold the injected ratio
	width    []float64
}

const base, twin = "as it is", "as it is, again"

// Run measures and decides.
func (e Experiment) Run(ctx context.Context) ([]Promise, error) {
	outcomes := make([]outcome, len(e.Slowdowns)+1) // the first is the twin
	for i, s := range e.Slowdowns {
		outcomes[i+1].slowdown = s
	}
	for repeat := range e.Repeats {
		rec, err := e.campaign(ctx, repeat)
		if err != nil {
			return nil, err
		}
		id := e.Plan.Workload
		for i := range outcomes {
			if err := outcomes[i].add(rec.Cell(id, name(i, outcomes[i].slowdown)), rec.Cell(id, base), e.Plan.Batch); err != nil {
				return nil, fmt.Errorf("self-test of %s: %w", e.Runner, err)
			}
		}
	}
	return e.decide(outcomes), nil
}

func name(i int, slowdown float64) string {
	if i == 0 {
		return twin
	}
	return fmt.Sprintf("slower by %g %%", 100*slowdown)
}

func (e Experiment) campaign(ctx context.Context, repeat int) (*record.Record, error) {
	subjects := map[string]float64{base: 0}
	names := []string{base}
	for i, s := range append([]float64{0}, e.Slowdowns...) {
		names = append(names, name(i, s))
		subjects[name(i, s)] = s
	}
	rec := record.New(time.Time{})
	rec.AddWorkload(record.Workload{ID: e.Plan.Workload, Mode: string(e.Plan.Mode), Batch: e.Plan.Batch})
	var cells []campaign.Cell
	for _, subject := range names {
		rec.AddCell(record.Cell{Workload: e.Plan.Workload, Runner: subject, Device: e.Device, Parity: record.Parity{Status: record.ParityPassed}})
		cells = append(cells, campaign.Cell{Plan: e.Plan, Files: e.Files, Runner: subject,
			Open: func(ctx context.Context) (campaign.Runner, error) { return e.Open(ctx, subjects[subject]) }})
	}
	err := campaign.Run(ctx, campaign.Config{Profile: profile(e.Rounds).Hastened(e.Haste), Seed: e.Seed + uint64(repeat), Cells: cells, Record: rec, Meter: e.Meter,
		Summarize: summary.Summarize, Save: func(*record.Record) error { return nil }, Now: e.Now,
		Progress: func(v campaign.Event) {
			if e.Progress != nil {
				done := (float64(repeat) + float64(v.Done)/float64(max(1, v.Total))) / float64(e.Repeats)
				e.Progress(fmt.Sprintf("%s against itself, campaign %d of %d, round %d", e.Runner, repeat+1, e.Repeats, v.Round+1), done)
			}
		}})
	return rec, err
}

// add counts what one campaign says of a subject.
func (o *outcome) add(subject, base *record.Cell, batch int) error {
	for _, c := range []*record.Cell{subject, base} {
		if c.Status != record.Measured {
			return fmt.Errorf("%s: %s: %s", c.Runner, c.Status, c.Reason)
		}
	}
	ratios, _ := summary.PairedRatios(subject, base, batch)
	ratio := summary.Paired(ratios)
	switch ratio.Verdict {
	case record.Slower:
		o.slower++
	case record.Faster:
		o.faster++
	}
	if truth := 1 / (1 + o.slowdown); !ratio.IsRange() && ratio.Low <= truth && truth <= ratio.High {
		o.covered++
	}
	o.width = append(o.width, ratio.HalfWidth())
	return nil
}

// decide turns outcomes into promises: no difference if there is none, and
// slowdowns found with the right sign.
func (e Experiment) decide(outcomes []outcome) []Promise {
	part := func(what string) string {
		return fmt.Sprintf("%s, %s, %d processes a side", e.Runner, what, e.Rounds)
	}
	alarms := outcomes[0].slower + outcomes[0].faster
	promises := []Promise{{Part: part("against itself"), Promise: "at most 5 % false alarms",
		Seen: fmt.Sprintf("%d of %d; intervals of ±%.2f %%", alarms, e.Repeats, 100*stats.Median(outcomes[0].width)),
		Kept: atLeast(alarms, e.Repeats, 0.05) > surprise}}
	for _, o := range outcomes[1:] {
		p := Promise{Part: part(fmt.Sprintf("%g %% slower", 100*o.slowdown)), Promise: "never called faster",
			Seen: fmt.Sprintf("found in %d of %d, called faster in %d", o.slower, e.Repeats, o.faster),
			Kept: atLeast(o.faster, e.Repeats, 0.05) > surprise}
		if o.slowdown >= e.Sure {
			p.Promise = "found"
			p.Kept = o.slower == e.Repeats
		}
		promises = append(promises, p)
	}
	held, all := 0, 0
	for _, o := range outcomes {
		held, all = held+o.covered, all+len(o.width)
	}
	return append(promises, Promise{Part: part("intervals against the truth"), Promise: "95 % hold what was injected",
		Seen: fmt.Sprintf("%d of %d", held, all), Kept: atLeast(all-held, all, 0.05) > surprise})
}

// Unmetered watches nothing.
type Unmetered struct{}

// Start watches nothing.
func (Unmetered) Start(context.Context, engine.Identity, string) (campaign.Recording, error) {
	return Unmetered{}, nil
}

// Stop adds nothing.
func (Unmetered) Stop(*record.Process) {}
