package html

import (
	"fmt"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/ranking"
)

// processTable is every start of a runner for a workload, with its raw blocks:
// the figures above can be computed from them. Nil when there was none.
func processTable(w *workloadView) *grid {
	g := newGrid(w.Anchor+"-processes-table", "Processes of "+w.ID, "runner", "#round", "#place", "status", "#images/s", "#start s", "#import s", "#load s",
		"#first iteration s", "#warm-up iterations", "#memory peak", "blocks: iterations in seconds")
	for _, c := range w.Cells {
		for _, p := range c.Processes {
			status := p.Status
			if p.Reason != "" && p.Status != record.Measured {
				status += ": " + p.Reason
			}
			speed := text(absent)
			if v, ok := summary.ProcessThroughput(p, w.Batch); ok {
				speed = cell{Text: ranking.Figure(v, v/2000), Value: &v}
			}
			g.add(c.Mark, text(c.Cell.Runner), count(p.Round), count(p.Order), text(status), speed, number("%.2f", p.StartSeconds),
				number("%.2f", p.ImportSeconds), number("%.2f", p.LoadSeconds), number("%.3f", p.FirstIterationSeconds), count(len(p.WarmupNS)),
				byteCell(p.MemoryPeakBytes), text(blockWords(p.Blocks)))
		}
	}
	if len(g.Rows) == 0 {
		return nil
	}
	return g
}

// blockWords lists blocks; the scenario is named where it changes.
func blockWords(blocks []record.Block) string {
	var parts []string
	scenario := ""
	for _, b := range blocks {
		part := fmt.Sprintf("%d in %.4f", b.Iterations, b.Seconds())
		if b.Scenario != scenario {
			part, scenario = b.Scenario+" "+part, b.Scenario
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, ", ")
}
