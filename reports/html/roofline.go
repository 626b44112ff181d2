package html

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/dlbench/dlbench/metrics/record"
)

// bytesPerImage is each activation and each weight once, float32: the least
// that a layer by layer computation without a cache would move.
func bytesPerImage(w record.Workload) float64 {
	return float64(w.ActivationBytes) + 4*float64(w.Parameters)/float64(max(1, w.Batch))
}

// rooflineChart holds every workload against the two roofs of the machine or its
// card; nil where either of them is not known.
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
		if x := intensity(w.Workload); x > 0 {
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
		if r.whole() && !slices.ContainsFunc(roofs, func(other roof) bool { return *other.Peak == *r.Peak }) {
			roofs = append(roofs, r)
		}
	}
	return roofs
}

func (r roof) whole() bool { return r.Peak != nil && r.BandwidthBytesPerSec > 0 }

func intensity(w record.Workload) float64 {
	if bytes := bytesPerImage(w); bytes > 0 {
		return flopPerImage(w) / float64(map[bool]int{true: trainingFactor, false: 1}[w.Mode == "train"]) / bytes
	}
	return 0
}

// underRoof are a runner's points, which it also adds to the table.
func (v *view) underRoof(name string, mark int, table *grid) [][3]any {
	var data [][3]any
	for _, w := range v.Workloads {
		x, cell, roof := intensity(w.Workload), v.Cell(w.ID, name), w.roof()
		if x == 0 || !roof.whole() || cell == nil || cell.Throughput == nil || !cell.Ranked() {
			continue
		}
		achieved, most := cell.Throughput.Median*flopPerImage(w.Workload)/1e9, roof.at(x)
		data = append(data, [3]any{rounded(x), rounded(achieved), w.ID})
		table.add(mark, text(w.ID), text(name), figure(x, 0), figure(achieved, 0), figure(most, 0), number("%.1f", 100*achieved/most))
	}
	return data
}
