package html

import (
	"fmt"
	"slices"

	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// percentileChart draws the percentiles that the samples support; nil without
// any.
func percentileChart(w *workloadView) *chart {
	out := &chart{ID: w.Anchor + "-latency", Title: "Latency percentiles", Height: 300, Runner: -1,
		Note:     "Iterations issued one at a time, batch " + fmt.Sprint(w.Batch) + ". A percentile that too few samples support is left out.",
		Label:    fmt.Sprintf("Latency percentiles on %s; the table below has the figures", w.ID),
		Table:    newGrid(w.Anchor+"-latency-table", "Latency percentiles on "+w.ID, "runner", "#p50 ms", "#p90 ms", "#p95 ms", "#p99 ms", "#p99.9 ms", "#max ms", "#samples"),
		Mentions: w.warnedOf(aboutLatency)}
	p := newPlot("item", opts.XAxis{Type: "category", Data: w.percentileNames()}, uprightAxis("ms")).frame(true)
	for _, c := range w.Cells {
		l := c.LatencyMS
		if l == nil {
			continue
		}
		line := []cell{text(c.Cell.Runner)}
		var data [][2]any
		for i, v := range percentilesOf(l) {
			line = append(line, optionalFigure(v))
			if v != nil {
				data = append(data, [2]any{percentileNames[i], rounded(*v)})
			}
		}
		out.Table.add(c.Mark, append(line, count(l.N))...)
		p.add(c.Mark, marked(c.Cell.Runner, c.Mark, data, "percentile", "ms"))
	}
	if p.empty() {
		return nil
	}
	out.Drawing = p.drawing()
	return out
}

var percentileNames = [...]string{"p50", "p90", "p95", "p99", "p99.9", "max"}

// percentilesOf are in the order of their names.
func percentilesOf(l *record.Latency) [len(percentileNames)]*float64 {
	return [...]*float64{l.P50, l.P90, l.P95, l.P99, l.P999, l.Max}
}

// percentileNames are those that some cell has.
func (w *workloadView) percentileNames() []string {
	var names []string
	for i, name := range percentileNames {
		if slices.ContainsFunc(w.Cells, func(c cellView) bool { return c.LatencyMS != nil && percentilesOf(c.LatencyMS)[i] != nil }) {
			names = append(names, name)
		}
	}
	return names
}

// wide is from which ratio of latencies on a linear axis would hide the small
// ones.
const wide = 6

// distributionChart draws the empirical distribution of every single-stream
// iteration; nil if there are none.
func distributionChart(w *workloadView) *chart {
	out := &chart{ID: w.Anchor + "-ecdf", Title: "Latency distribution", Height: 300, Runner: -1,
		Label:    fmt.Sprintf("Empirical distribution of latencies on %s; the table below has deciles", w.ID),
		Table:    newGrid(w.Anchor+"-ecdf-table", "Deciles of latency on "+w.ID, "runner", "#min ms", "#10 %", "#20 %", "#30 %", "#40 %", "#50 %", "#60 %", "#70 %", "#80 %", "#90 %", "#max ms", "#samples"),
		Mentions: w.warnedOf(aboutLatency)}
	sorted := map[int][]float64{}
	least, most, all, drawn := 0.0, 0.0, 0, 0
	for i, c := range w.Cells {
		ms := c.LatenciesMS()
		if len(ms) == 0 {
			continue
		}
		slices.Sort(ms)
		sorted[i] = ms
		if least == 0 || ms[0] < least {
			least = ms[0]
		}
		most = max(most, ms[len(ms)-1])
		all += len(ms)
	}
	if all == 0 {
		return nil
	}
	axis := valueAxis("ms")
	if most > wide*least {
		axis = logAxis("ms")
	}
	p := newPlot("item", axis, opts.YAxis{Type: "value", Name: "share of iterations", Min: 0, Max: 1}).frame(true)
	for i, c := range w.Cells {
		if ms := sorted[i]; ms != nil {
			xs, shares := ecdf(ms)
			drawn += len(xs)
			s := marked(c.Cell.Runner, c.Mark, points(xs, shares), "ms", "share up to it")
			s.SymbolSize, s.Encode = 4, shows(0, 1)
			p.add(c.Mark, s)
			out.Table.add(c.Mark, deciles(c.Cell.Runner, ms)...)
		}
	}
	out.Note = fmt.Sprintf("The share of iterations that took at most so long: %d of %d raw times are drawn, more of them in the tail.", drawn, all)
	out.Drawing = p.drawing()
	return out
}

func deciles(runner string, ms []float64) []cell {
	line := []cell{text(runner)}
	for _, q := range summary.Deciles(ms) {
		line = append(line, figure(q, 0))
	}
	return append(line, count(len(ms)))
}
