package html

import (
	"fmt"
	"slices"

	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/dlbench/dlbench/metrics/stats"
	"github.com/dlbench/dlbench/reports/ranking"
)

// percentileChart draws the percentiles that the samples support; nil without
// any.
func percentileChart(w *workloadView) *chart {
	names := []string{"p50", "p90", "p95", "p99", "p99.9", "max"}
	out := &chart{ID: w.Anchor + "-latency", Title: "Latency percentiles", Height: 300, Runner: -1,
		Note:  "Iterations issued one at a time, batch " + fmt.Sprint(w.Batch) + ". A percentile that too few samples support is left out.",
		Label: fmt.Sprintf("Latency percentiles on %s; the table below has the figures", w.ID),
		Table: newGrid(w.Anchor+"-latency-table", "Latency percentiles on "+w.ID, "runner", "#p50 ms", "#p90 ms", "#p95 ms", "#p99 ms", "#p99.9 ms", "#max ms", "#samples"),
		Notes: w.caveats(aboutLatency)}
	p := newPlot("item", opts.XAxis{Type: "category", Data: names}, opts.YAxis{Type: "value", Name: "ms"}).frame(true)
	for _, c := range w.Cells {
		l := c.LatencyMS
		if l == nil {
			continue
		}
		line := []cell{text(c.Cell.Runner)}
		var data [][2]any
		for i, v := range []*float64{l.P50, l.P90, l.P95, l.P99, l.P999, l.Max} {
			if v == nil {
				line = append(line, text(absent))
				continue
			}
			line = append(line, figure(*v, 0))
			data = append(data, [2]any{names[i], rounded(*v)})
		}
		out.Table.add(c.Mark, append(line, count(l.N))...)
		p.add(c.Mark, marked(c.Cell.Runner, c.Mark, data))
	}
	if p.empty() {
		return nil
	}
	out.Options = p.options()
	return out
}

// wide is from which ratio of latencies on a linear axis would hide the small
// ones.
const wide = 6

// distributionChart draws the empirical distribution of every single-stream
// iteration; nil where there are none.
func distributionChart(w *workloadView) *chart {
	out := &chart{ID: w.Anchor + "-ecdf", Title: "Latency distribution", Height: 300, Runner: -1,
		Label: fmt.Sprintf("Empirical distribution of latencies on %s; the table below has deciles", w.ID),
		Table: newGrid(w.Anchor+"-ecdf-table", "Deciles of latency on "+w.ID, "runner", "#min ms", "#10 %", "#20 %", "#30 %", "#40 %", "#50 %", "#60 %", "#70 %", "#80 %", "#90 %", "#max ms", "#samples"),
		Notes: w.caveats(aboutLatency)}
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
	p := newPlot("item", axis, opts.YAxis{Type: "value", Name: "share of iterations", Max: 1}).frame(true)
	for i, c := range w.Cells {
		if ms := sorted[i]; ms != nil {
			xs, shares := ecdf(ms)
			drawn += len(xs)
			s := marked(c.Cell.Runner, c.Mark, points(xs, shares))
			s.SymbolSize = 4
			p.add(c.Mark, s)
			out.Table.add(c.Mark, deciles(c.Cell.Runner, ms)...)
		}
	}
	out.Note = fmt.Sprintf("The share of iterations that took at most so long: %d of %d raw times are drawn, more of them in the tail.", drawn, all)
	out.Options = p.options()
	return out
}

func deciles(runner string, ms []float64) []cell {
	line := []cell{text(runner)}
	for _, q := range stats.Quantiles(ms, 0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1) {
		line = append(line, cell{Text: ranking.Figure(q, 0), Value: &q})
	}
	return append(line, count(len(ms)))
}
