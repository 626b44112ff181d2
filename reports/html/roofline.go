package html

import (
	"fmt"
	"math"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/dlbench/dlbench/metrics/record"
)

// bytesPerImage is each activation and each weight once, float32: the least
// that a layer by layer computation without a cache would move.
func bytesPerImage(w record.Workload) float64 {
	return float64(w.ActivationBytes) + 4*float64(w.Parameters)/float64(max(1, w.Batch))
}

// rooflineChart holds every workload against the machine's two roofs; nil
// where either of them was not measured.
func rooflineChart(v *view) *chart {
	peak := v.Environment.Peak
	if peak == nil || peak.BandwidthBytesPerSec <= 0 {
		return nil
	}
	out := &chart{ID: v.Prefix + "roofline", Title: "Roofline", Height: 380, Runner: -1, Top: true,
		Note:  fmt.Sprintf("Across: operations a byte of activations and weights, each byte counted once, an estimate that fusion and caches raise. Up: achieved GFLOP/s. Line: the measured roofs (%s).", peak.Source),
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
