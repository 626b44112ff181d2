package html

import (
	"fmt"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/ranking"
)

// roof is what a workload's cells could reach at most, with the name of its line.
type roof struct {
	summary.Roof
	name string // says whether somebody measured it
}

func (w *workloadView) roof() roof {
	r := roof{summary.RoofOf(w.rec, w.Workload), "datasheet's peak"}
	if r.Ceiling != nil && r.Measured {
		r.name = "measured peak"
	}
	return r
}

func (r roof) words() string {
	if r.Ceiling == nil {
		return fmt.Sprintf("No share of a peak is shown: %s.", r.Reason)
	}
	return fmt.Sprintf("Line: the %s, %s GFLOP/s (%s).", r.name, ranking.Figure(r.GFLOPS, 0), r.Source)
}

// share is a rate in per cent of the peak.
func (r roof) share(gflops float64) cell { return optional("%.1f", r.PercentOfPeak(gflops)) }

// line is a vertical line; the point at the end makes the axis reach it.
func (r roof) line(anyRunner string) series {
	return series{SingleSeries: charts.SingleSeries{Name: r.name, Type: "line", Symbol: "none", Data: [][2]any{{rounded(r.GFLOPS), anyRunner}},
		LineStyle: &opts.LineStyle{Color: Tone("ink")}, ItemStyle: &opts.ItemStyle{Color: Tone("ink")},
		MarkLines: &opts.MarkLines{Data: []any{map[string]any{"xAxis": rounded(r.GFLOPS), "tooltip": map[string]any{"formatter": r.name + ": " + ranking.Figure(r.GFLOPS, 0) + " GFLOP/s"}}},
			MarkLineStyle: opts.MarkLineStyle{Symbol: []string{"none", "none"}, LineStyle: &opts.LineStyle{Color: Tone("ink"), Width: 2, Type: "solid"},
				Label: &opts.Label{Formatter: "peak", Color: Tone("ink")}}}}}
}

// slope is the roof over operations a byte.
func (r roof) slope(name string, from, to float64) series {
	ridge := r.Ridge()
	var data [][2]Datum
	for _, x := range []float64{min(from, ridge/2), ridge, max(to, ridge*2)} {
		data = append(data, [2]Datum{rounded(x), rounded(r.At(x))})
	}
	return series{SingleSeries: charts.SingleSeries{Name: name, Type: "line", Symbol: "none", Data: data,
		LineStyle: &opts.LineStyle{Color: Tone("ink"), Width: 2}, ItemStyle: &opts.ItemStyle{Color: Tone("ink")}}}
}
