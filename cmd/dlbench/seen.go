package main

import (
	"context"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/history"
	"github.com/dlbench/dlbench/runners/bench"
)

// mostSeen is how many records are read for what cells took: the newest say most.
const mostSeen = 12

// seenCell is a cell of a profile, whose processes take as long whatever the suite.
type seenCell struct{ profile, workload, runner string }

// seen is what cells took on this machine, as its history tells; nil without one.
// A history that cannot be read is none: it is only asked for an estimate.
func (p *program) seen(ctx context.Context) bench.Seen {
	h, err := p.historyAt("")
	if err != nil || !h.Exists() {
		return nil
	}
	line := history.LineOf(&record.Record{Environment: p.host().Machine(ctx)}, "", "")
	entries, err := h.List(ctx, history.Filter{Line: &line})
	if err != nil {
		return nil
	}
	cells := map[seenCell]bench.Took{}
	for _, e := range entries[:min(len(entries), mostSeen)] { // newest first
		rec, _, err := h.Read(e)
		if err != nil || rec.Status != record.Complete {
			continue
		}
		for i := range rec.Cells {
			c := &rec.Cells[i]
			key := seenCell{rec.Profile, c.Workload, c.Runner}
			if _, newer := cells[key]; !newer && c.Status != record.Pending {
				cells[key] = tookBy(c, rec.Created)
			}
		}
	}
	return func(profile, workload, runner string) (bench.Took, bool) {
		found, known := cells[seenCell{profile, workload, runner}]
		return found, known
	}
}

// tookBy is what a cell's processes took.
func tookBy(c *record.Cell, on time.Time) bench.Took {
	out := bench.Took{Processes: len(c.Processes), On: on}
	for i := range c.Processes {
		out.Process += summary.ProcessDuration(&c.Processes[i]) / time.Duration(out.Processes)
	}
	return out
}
