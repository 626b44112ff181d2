package html

import (
	"fmt"
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
)

// step is a runner's throughput at one batch or one number of threads.
type step struct {
	at     int
	figure *record.Throughput
}

// family is what the workloads of a scaling line have in common.
type family struct{ network, mode, precision string }

func familyOf(w record.Workload) family { return family{w.Network, w.Mode, w.Precision} }

func (f family) String() string { return f.network + "/" + f.mode + "/" + f.precision }

// batchCharts draw throughput over the batch, for every network and mode that
// the record has at several batches.
func batchCharts(v *view) []*chart {
	members := map[family][]record.Workload{}
	var order []family
	for _, w := range v.Record.Workloads {
		f := familyOf(w)
		if members[f] == nil {
			order = append(order, f)
		}
		members[f] = append(members[f], w)
	}
	var all []*chart
	for _, f := range order {
		steps := func(runner string) (list []step) {
			for _, w := range members[f] {
				if c := v.Cell(w.ID, runner); c != nil && c.Throughput != nil {
					list = append(list, step{w.Batch, c.Throughput})
				}
			}
			return list
		}
		id := v.anchors.unique(v.Prefix + "batches-" + slug(f.String()))
		if c := scalingChart(id, "batch", f.String(), v.marks, steps); c != nil {
			c.Top = true
			c.Note = "Throughput over the batch, with intervals. A line that rises says that a larger batch uses the machine better."
			all = append(all, c)
		}
	}
	return all
}

// scalingChart is nil unless some runner has two steps.
func scalingChart(id, over, what string, m *marks, steps func(runner string) []step) *chart {
	out := &chart{ID: id, Title: what, Height: 320, Runner: -1,
		Label: fmt.Sprintf("Throughput of %s over %s; the table below has the figures", what, over),
		Table: newGrid(id+"-table", fmt.Sprintf("Throughput of %s over %s", what, over), "runner", "#"+over, "#images/s", "#low", "#high", "#of proportional %")}
	p := newPlot("item", logAxis(over), uprightAxis("images/s")).frame(true)
	most := 0
	for mark, name := range m.names {
		list := slices.DeleteFunc(steps(name), func(s step) bool { return s.at < 1 }) // the axis is logarithmic
		if len(list) == 0 {
			continue
		}
		slices.SortFunc(list, func(a, b step) int { return a.at - b.at })
		most = max(most, len(list))
		line := marked(name, mark, medians(list), over, "images/s")
		line.Encode = shows(0, 1)
		p.add(mark, line)
		p.add(mark, bars(name, mark, list))
		for _, s := range list {
			t, half := s.figure, (s.figure.CIHigh-s.figure.CILow)/2
			proportional := 100 * (t.Median / list[0].figure.Median) / (float64(s.at) / float64(list[0].at))
			out.Table.add(mark, text(name), count(s.at), figure(t.Median, half), figure(t.CILow, half), figure(t.CIHigh, half), number("%.0f", proportional))
		}
	}
	if most < 2 {
		return nil
	}
	out.Drawing = p.drawing()
	return out
}

func medians(list []step) [][2]Datum {
	var data [][2]Datum
	for _, s := range list {
		data = append(data, [2]Datum{Datum(s.at), rounded(s.figure.Median)})
	}
	return data
}

// bars are the intervals, one upright line each: a gap parts them.
func bars(name string, mark int, list []step) series {
	var data [][2]any
	for _, s := range list {
		data = append(data, [2]any{s.at, rounded(s.figure.CILow)}, [2]any{s.at, rounded(s.figure.CIHigh)}, [2]any{s.at, "-"})
	}
	s := marked(name, mark, data)
	s.Symbol, s.SymbolSize, s.LineStyle.Type = "none", nil, "solid"
	return s
}
