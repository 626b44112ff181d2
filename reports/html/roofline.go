package html

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/dlbench/dlbench/metrics/summary"
)

// rooflineChart holds every workload against the two roofs of the machine or its
// card; nil if either of them is not known.
func rooflineChart(v *view) *chart {
	roofs := v.roofs()
	if len(roofs) == 0 {
		return nil
	}
	var sources []string
	for _, r := range roofs {
		sources = append(sources, r.Source)
	}
	out := &chart{ID: v.Prefix + "roofline", Title: "Roofline", Height: 380, Runner: -1, Top: true,
		Note:  fmt.Sprintf("Across: operations a byte of activations and weights, each byte counted once, an estimate that fusion and caches raise. Up: achieved GFLOP/s. Line: the %s (%s).", roofs[0].name, strings.Join(sources, "; ")),
		Label: "Achieved GFLOP/s of every ranked cell against operations a byte, under the roofs of what computed; the table below has the figures",
		Table: newGrid(v.Prefix+"roofline-table", "Roofline", "workload", "runner", "#FLOP a byte", "#GFLOP/s", "#roof GFLOP/s", "#% of the roof")}
	p := newPlot("item", logAxis("FLOP a byte"), opts.YAxis{Type: "log", Name: "GFLOP/s"}).frame(true)
	least, most := math.Inf(1), 0.0
	for _, w := range v.Workloads {
		if x := summary.Intensity(w.Workload); x > 0 {
			least, most = min(least, x), max(most, x)
		}
	}
	for _, r := range roofs {
		p.add(-1, r.slope("roof", least/2, most*4))
	}
	for mark, name := range v.marks.names {
		if data := v.underRoof(name, mark, out.Table); data != nil {
			s := marked(name, mark, data, "FLOP a byte", "GFLOP/s", "workload")
			s.Type, s.LineStyle, s.Encode = "scatter", nil, shows(2, 0, 1)
			p.add(mark, s)
		}
	}
	out.Drawing = p.drawing()
	return out
}

// roofs are those of the workloads, each once: precisions differ in theirs.
func (v *view) roofs() []roof {
	var roofs []roof
	for _, w := range v.Workloads {
		r := w.roof()
		if r.Whole() && !slices.ContainsFunc(roofs, func(other roof) bool { return *other.Ceiling == *r.Ceiling }) {
			roofs = append(roofs, r)
		}
	}
	return roofs
}

// underRoof are a runner's points, which it also adds to the table.
func (v *view) underRoof(name string, mark int, table *grid) [][3]any {
	var data [][3]any
	for _, w := range v.Workloads {
		place := summary.PlaceUnderRoof(v.Record, w.Workload, v.Cell(w.ID, name))
		if place == nil {
			continue
		}
		data = append(data, [3]any{rounded(place.Intensity), rounded(place.Achieved), w.ID})
		table.add(mark, text(w.ID), text(name), figure(place.Intensity, 0), figure(place.Achieved, 0), figure(place.Roof, 0), number("%.1f", place.Percent))
	}
	return data
}
