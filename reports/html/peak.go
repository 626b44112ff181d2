package html

import (
	"fmt"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/ranking"
)

// roof is what a workload's cells could reach at most, or why that is not known.
type roof struct {
	*record.Peak        // nil where there is none
	name         string // of its line: whether somebody measured it
	reason       string
}

// roof is that of the device that the workload's cells computed on.
func (w *workloadView) roof() roof {
	device := w.rec.Terms.Device
	for _, c := range w.Cells {
		if c.Cell.Throughput != nil {
			device = c.Cell.Device
			break
		}
	}
	peak, reason := w.rec.Environment.PeakOf(device, w.Precision)
	name := "measured peak"
	if w.rec.Environment.Peak == nil {
		name = "datasheet's peak"
	}
	return roof{peak, name, reason}
}

func (r roof) words() string {
	if r.Peak == nil {
		return fmt.Sprintf("No share of a peak is shown: %s.", r.reason)
	}
	return fmt.Sprintf("Line: the %s, %s GFLOP/s (%s).", r.name, ranking.Figure(r.GFLOPS, 0), r.Source)
}

// share is a rate in per cent of the peak.
func (r roof) share(gflops float64) cell {
	if r.Peak == nil {
		return text(absent)
	}
	return number("%.1f", 100*gflops/r.GFLOPS)
}

// at is the most that so many operations a byte allow.
func (r roof) at(flopPerByte float64) float64 {
	return min(r.GFLOPS, flopPerByte*r.BandwidthBytesPerSec/1e9)
}

// line is a vertical line; the point at the end makes the axis reach it.
func (r roof) line(anyRunner string) series {
	return series{SingleSeries: charts.SingleSeries{Name: r.name, Type: "line", Symbol: "none", Data: [][2]any{{rounded(r.GFLOPS), anyRunner}},
		LineStyle: &opts.LineStyle{Color: tone("ink")}, ItemStyle: &opts.ItemStyle{Color: tone("ink")},
		MarkLines: &opts.MarkLines{Data: []any{map[string]any{"xAxis": rounded(r.GFLOPS), "tooltip": map[string]any{"formatter": r.name + ": " + ranking.Figure(r.GFLOPS, 0) + " GFLOP/s"}}},
			MarkLineStyle: opts.MarkLineStyle{Symbol: []string{"none", "none"}, LineStyle: &opts.LineStyle{Color: tone("ink"), Width: 2, Type: "solid"},
				Label: &opts.Label{Formatter: "peak", Color: tone("ink")}}}}}
}

// slope is the roof over operations a byte.
func (r roof) slope(name string, from, to float64) series {
	ridge := r.GFLOPS * 1e9 / r.BandwidthBytesPerSec
	var data [][2]Datum
	for _, x := range []float64{min(from, ridge/2), ridge, max(to, ridge*2)} {
		data = append(data, [2]Datum{rounded(x), rounded(r.at(x))})
	}
	return series{SingleSeries: charts.SingleSeries{Name: name, Type: "line", Symbol: "none", Data: data,
		LineStyle: &opts.LineStyle{Color: tone("ink"), Width: 2}, ItemStyle: &opts.ItemStyle{Color: tone("ink")}}}
}
