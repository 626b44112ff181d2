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
	cells := map[bench.SeenCell]bench.Took{}
	for _, e := range entries[:min(len(entries), mostSeen)] { // newest first
		rec, _, err := h.Read(e)
		if err != nil || rec.Status != record.Complete {
			continue
		}
		for i := range rec.Cells {
			c := &rec.Cells[i]
			key := bench.SeenCell{Profile: rec.Profile, Workload: c.Workload, Runner: c.Runner, Card: bench.OnCard(rec.Terms)}
			if _, newer := cells[key]; !newer && c.Status != record.Pending {
				cells[key] = tookBy(c, rec.Created)
			}
		}
	}
	return func(cell bench.SeenCell) (bench.Took, bool) {
		found, known := cells[cell]
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
