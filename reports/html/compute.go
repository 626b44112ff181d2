package html

import (
	"fmt"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/ranking"
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

// computeChart draws achieved GFLOP/s, against the machine's peak where one was
// measured; nil where nothing was measured or counted.
func computeChart(w *workloadView) *chart {
	perSpeed := flopPerImage(w.Workload) / 1e9
	var estimates []estimate
	for _, e := range throughputs(w.Cells, w.Batch) {
		estimates = append(estimates, e.scaled(perSpeed))
	}
	if len(estimates) == 0 || perSpeed == 0 {
		return nil
	}
	peak := w.rec.Environment.Peak
	out := &chart{ID: w.Anchor + "-compute", Title: "Achieved GFLOP/s", Height: intervalHeight(estimates), Runner: -1,
		Note:  countedAs(w.Workload) + ". " + peakWords(peak),
		Label: fmt.Sprintf("Achieved GFLOP/s of %d runners on %s; the table below has the figures", len(estimates), w.ID),
		Table: newGrid(w.Anchor+"-compute-table", "Achieved GFLOP/s on "+w.ID, "runner", "#GFLOP/s", "#low", "#high", "#% of the peak"),
		Notes: w.caveats(aboutThroughput)}
	p := intervalPlot("GFLOP/s", estimates)
	for _, e := range estimates {
		half := (e.high - e.low) / 2
		share := text(absent)
		if peak != nil {
			share = number("%.1f", 100*e.mid/peak.GFLOPS)
		}
		out.Table.add(e.mark, text(e.runner), figure(e.mid, half), figure(e.low, half), figure(e.high, half), share)
	}
	if peak != nil {
		p.add(-1, peakLine(peak, estimates[0].runner))
	}
	out.Options = p.options()
	return out
}

func peakWords(p *record.Peak) string {
	if p == nil {
		return "No peak of this machine was measured, so no share of it is shown."
	}
	return fmt.Sprintf("Line: the measured peak, %s GFLOP/s (%s).", ranking.Figure(p.GFLOPS, 0), p.Source)
}

// peakLine is a vertical line; the point at the end makes the axis reach it.
func peakLine(p *record.Peak, anyRunner string) charts.SingleSeries {
	return charts.SingleSeries{Name: "measured peak", Type: "line", Symbol: "none", Data: [][2]any{{rounded(p.GFLOPS), anyRunner}},
		LineStyle: &opts.LineStyle{Color: "--ink"}, ItemStyle: &opts.ItemStyle{Color: "--ink"},
		MarkLines: &opts.MarkLines{Data: []any{map[string]any{"xAxis": rounded(p.GFLOPS)}},
			MarkLineStyle: opts.MarkLineStyle{Symbol: []string{"none", "none"}, LineStyle: &opts.LineStyle{Color: "--ink", Width: 2, Type: "solid"},
				Label: &opts.Label{Formatter: "peak"}}}}
}
