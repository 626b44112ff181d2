package html

import (
	"fmt"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// countedAs says how operations were counted.
func countedAs(w record.Workload) string {
	if w.Mode == "train" {
		return fmt.Sprintf("2 × MACs × %d × images/s: a training step counts as three forward passes", summary.TrainingFactor)
	}
	return "2 × MACs × images/s"
}

// computeChart draws achieved GFLOP/s, against the peak of the machine or
// its card if one is known; nil if nothing was measured or counted.
func computeChart(w *workloadView) *chart {
	var estimates []estimate
	for _, e := range throughputs(w.Cells, w.Batch) {
		estimates = append(estimates, e.scaled(summary.GFLOPS(w.Workload, 1)))
	}
	if len(estimates) == 0 || w.MACs == 0 {
		return nil
	}
	peak := w.roof()
	out := &chart{ID: w.Anchor + "-compute", Title: "Achieved GFLOP/s", Height: intervalHeight(estimates), Runner: -1,
		Note:     countedAs(w.Workload) + ". " + peak.words(),
		Label:    fmt.Sprintf("Achieved GFLOP/s of %d runners on %s; the table below has the figures", len(estimates), w.ID),
		Table:    newGrid(w.Anchor+"-compute-table", "Achieved GFLOP/s on "+w.ID, "runner", "#GFLOP/s", "#low", "#high", "#% of the peak"),
		Mentions: w.warnedOf(aboutThroughput)}
	p := intervalPlot("GFLOP/s", estimates)
	for _, e := range estimates {
		out.Table.add(e.mark, append(append([]cell{text(e.runner)}, bounds(e.Estimate)...), peak.share(e.Value))...)
	}
	if peak.Ceiling != nil {
		p.add(-1, peak.line(estimates[0].runner))
	}
	out.Drawing = p.drawing()
	return out
}
