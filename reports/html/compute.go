package html

import (
	"fmt"
	"math"

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

// bytesPerImage is each activation and each weight once, float32: the least
// that a layer by layer computation without a cache would move.
func bytesPerImage(w record.Workload) float64 {
	return float64(w.ActivationBytes) + 4*float64(w.Parameters)/float64(max(1, w.Batch))
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

// rooflineChart holds every workload against the machine's two roofs; nil
// where either of them was not measured.
func rooflineChart(v *view) *chart {
	peak := v.Environment.Peak
	if peak == nil || peak.BandwidthBytesPerSec <= 0 {
		return nil
	}
	out := &chart{ID: v.Prefix + "roofline", Title: "Roofline", Height: 380, Runner: -1,
		Note:  fmt.Sprintf("Across: operations a byte of activations and weights, each byte counted once, an estimate that fusion and caches raise. Up: achieved GFLOP/s. Line: the most that %s allows.", peak.Source),
		Label: "Achieved GFLOP/s of every ranked cell against operations a byte, under the machine's measured roofs; the table below has the figures",
		Table: newGrid(v.Prefix+"roofline-table", "Roofline", "workload", "runner", "#FLOP a byte", "#GFLOP/s", "#roof GFLOP/s", "#% of the roof")}
	p := newPlot("item", logAxis("FLOP a byte"), opts.YAxis{Type: "log", Name: "GFLOP/s"}).frame(true)
	least, most := math.Inf(1), 0.0
	for _, w := range v.Workloads {
		if x := intensity(w.Workload); x > 0 {
			least, most = min(least, x), max(most, x)
		}
	}
	p.add(-1, roofLine(peak, least/2, most*4))
	for mark, name := range v.marks.names {
		if data := v.underRoof(name, mark, out.Table); data != nil {
			s := marked(name, mark, data)
			s.Type, s.LineStyle = "scatter", nil
			p.add(mark, s)
		}
	}
	out.Options = p.options()
	return out
}

func intensity(w record.Workload) float64 {
	if bytes := bytesPerImage(w); bytes > 0 {
		return flopPerImage(w) / float64(map[bool]int{true: trainingFactor, false: 1}[w.Mode == "train"]) / bytes
	}
	return 0
}

// underRoof are a runner's points, which it also adds to the table.
func (v *view) underRoof(name string, mark int, table *grid) [][2]float64 {
	var data [][2]float64
	for _, w := range v.Workloads {
		x, cell := intensity(w.Workload), v.Cell(w.ID, name)
		if x == 0 || cell == nil || cell.Throughput == nil || !cell.Ranked() {
			continue
		}
		achieved, roof := cell.Throughput.Median*flopPerImage(w.Workload)/1e9, roofAt(v.Environment.Peak, x)
		data = append(data, [2]float64{rounded(x), rounded(achieved)})
		table.add(mark, text(w.ID), text(name), figure(x, 0), figure(achieved, 0), figure(roof, 0), number("%.1f", 100*achieved/roof))
	}
	return data
}

func roofAt(p *record.Peak, flopPerByte float64) float64 {
	return min(p.GFLOPS, flopPerByte*p.BandwidthBytesPerSec/1e9)
}

func roofLine(p *record.Peak, from, to float64) charts.SingleSeries {
	ridge := p.GFLOPS * 1e9 / p.BandwidthBytesPerSec
	var data [][2]float64
	for _, x := range []float64{min(from, ridge/2), ridge, max(to, ridge*2)} {
		data = append(data, [2]float64{rounded(x), rounded(roofAt(p, x))})
	}
	return charts.SingleSeries{Name: "roof", Type: "line", Symbol: "none", Data: data,
		LineStyle: &opts.LineStyle{Color: "--ink", Width: 2}, ItemStyle: &opts.ItemStyle{Color: "--ink"}}
}
