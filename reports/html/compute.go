package html

import (
	"fmt"

	"github.com/dlbench/dlbench/metrics/record"
)

// trainingFactor is how many forward passes a training step counts for: one
// forward, one to the inputs' gradients and one to the weights'. It leaves out
// the optimizer and everything that is no multiply-accumulate.
const trainingFactor = 3

// flopPerImage is two operations a multiply-accumulate.
func flopPerImage(w record.Workload) float64 {
	flop := 2 * float64(w.MACs)
	if w.Mode == "train" {
		flop *= trainingFactor
	}
	return flop
}

// countedAs says how operations were counted.
func countedAs(w record.Workload) string {
	if w.Mode == "train" {
		return "2 × MACs × 3 × images/s: a training step counts as three forward passes"
	}
	return "2 × MACs × images/s"
}

// computeChart draws achieved GFLOP/s, against the peak of the machine or
// its card where one is known; nil where nothing was measured or counted.
func computeChart(w *workloadView) *chart {
	perSpeed := flopPerImage(w.Workload) / 1e9
	var estimates []estimate
	for _, e := range throughputs(w.Cells, w.Batch) {
		estimates = append(estimates, e.scaled(perSpeed))
	}
	if len(estimates) == 0 || perSpeed == 0 {
		return nil
	}
	peak := w.roof()
	out := &chart{ID: w.Anchor + "-compute", Title: "Achieved GFLOP/s", Height: intervalHeight(estimates), Runner: -1,
		Note:  countedAs(w.Workload) + ". " + peak.words(),
		Label: fmt.Sprintf("Achieved GFLOP/s of %d runners on %s; the table below has the figures", len(estimates), w.ID),
		Table: newGrid(w.Anchor+"-compute-table", "Achieved GFLOP/s on "+w.ID, "runner", "#GFLOP/s", "#low", "#high", "#% of the peak"),
		Notes: w.caveats(aboutThroughput)}
	p := intervalPlot("GFLOP/s", estimates)
	for _, e := range estimates {
		half := (e.high - e.low) / 2
		out.Table.add(e.mark, text(e.runner), figure(e.mid, half), figure(e.low, half), figure(e.high, half), peak.share(e.mid))
	}
	if peak.Peak != nil {
		p.add(-1, peak.line(estimates[0].runner))
	}
	out.Drawing = p.drawing()
	return out
}
