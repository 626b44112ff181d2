package html

import (
	"fmt"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// family is what the workloads of a scaling line have in common.
type family struct {
	network, mode, precision string
	threads                  int
}

func familyOf(w record.Workload) family { return family{w.Network, w.Mode, w.Precision, w.Threads} }

func (f family) String() string {
	name := f.network + "/" + f.mode + "/" + f.precision
	if f.threads != 0 {
		name += fmt.Sprintf("/t%d", f.threads)
	}
	return name
}

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
		steps := func(runner string) (list []summary.Step) {
			for _, w := range members[f] {
				if t := throughputOf(v.Cell(w.ID, runner)); t != nil {
					list = append(list, summary.Step{At: w.Batch, Throughput: *t})
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

// throughputOf is nil if there is no cell, or it has none.
func throughputOf(c *record.Cell) *summary.Estimate {
	if c == nil {
		return nil
	}
	return summary.Throughput(c)
}

// scalingChart is nil unless some runner has two steps.
func scalingChart(id, over, what string, m *marks, steps func(runner string) []summary.Step) *chart {
	out := &chart{ID: id, Title: what, Height: 320, Runner: -1,
		Label: fmt.Sprintf("Throughput of %s over %s; the table below has the figures", what, over),
		Table: newGrid(id+"-table", fmt.Sprintf("Throughput of %s over %s", what, over), "runner", "#"+over, "#images/s", "#low", "#high", "#of proportional %")}
	p := newPlot("item", logAxis(over), uprightAxis("images/s")).frame(true)
	most := 0
	for mark, name := range m.names {
		list := summary.Scaling(steps(name))
		if len(list) == 0 {
			continue
		}
		most = max(most, len(list))
		addLine(p, name, mark, over, "images/s", list, func(s summary.Step) (int, summary.Estimate) { return s.At, s.Throughput })
		for _, s := range list {
			out.Table.add(mark, append(append([]cell{text(name), count(s.At)}, bounds(s.Throughput)...), number("%.0f", s.Percent))...)
		}
	}
	if most < 2 {
		return nil
	}
	out.Drawing = p.drawing()
	return out
}

// addLine adds a runner's line over steps, and its intervals: one upright line
// each, which a gap parts from the next.
func addLine[S any](p *plot, name string, mark int, over, what string, list []S, of func(S) (at int, e summary.Estimate)) {
	var medians [][2]Datum
	var ends [][2]any
	for _, s := range list {
		at, e := of(s)
		medians = append(medians, [2]Datum{Datum(at), rounded(e.Value)})
		ends = append(ends, [2]any{at, rounded(e.Low)}, [2]any{at, rounded(e.High)}, [2]any{at, "-"})
	}
	line := marked(name, mark, medians, over, what)
	line.Encode = shows(0, 1)
	p.add(mark, line)
	intervals := marked(name, mark, ends)
	intervals.Symbol, intervals.SymbolSize, intervals.LineStyle.Type = "none", nil, "solid"
	p.add(mark, intervals)
}
