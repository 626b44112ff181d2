package html

import (
	"fmt"
	"slices"

	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/dlbench/dlbench/metrics/summary"
)

// estimate is a figure of a runner with its interval and the processes that it
// came from.
type estimate struct {
	summary.Estimate
	runner string
	mark   int
	each   []float64
}

// intervalPlot is a dot with its interval for each runner, and a faint dot for
// each process, over a common axis from zero.
func intervalPlot(unit string, estimates []estimate) *plot {
	var names []string
	var numbers []int
	for _, e := range estimates {
		names, numbers = append(names, e.runner), append(numbers, e.mark)
	}
	p := newRowPlot(valueAxis(unit), names, numbers)
	for _, e := range estimates {
		if len(e.each) > 0 {
			p.add(e.mark, processDots(e))
		}
		// Each point knows all three, so that its tooltip tells them.
		point := func(v float64) []any {
			return []any{rounded(v), e.runner, rounded(e.Value), rounded(e.Low), rounded(e.High), "interval"}
		}
		end := func(v float64) map[string]any {
			return map[string]any{"value": point(v), "symbol": "rect", "symbolSize": []int{2, 11}}
		}
		s := marked(e.runner, e.mark, []any{end(e.Low), map[string]any{"value": point(e.Value), "symbolSize": 10}, end(e.High)},
			"at", "runner", unit, "from", "to", "what")
		s.LineStyle.Type, s.Encode = "solid", named(5, 2, 3, 4)
		p.add(e.mark, s)
	}
	return p
}

func processDots(e estimate) series {
	data := make([][3]any, len(e.each))
	for i, v := range e.each {
		data[i] = [3]any{rounded(v), e.runner, "one process"}
	}
	s := marked(e.runner, e.mark, data)
	s.Type, s.Symbol, s.SymbolSize, s.LineStyle, s.Encode = "scatter", "circle", 5, nil, named(2, 0)
	s.ItemStyle.Opacity = opts.Float(0.4)
	return s
}

func intervalHeight(estimates []estimate) int { return 74 + 30*max(1, len(estimates)) }

// throughputs are the estimates of a workload's cells in images/s.
func throughputs(cells []cellView, batch int) []estimate {
	var out []estimate
	for _, c := range cells {
		if t := summary.Throughput(c.Cell); t != nil {
			out = append(out, estimate{*t, c.Cell.Runner, c.Mark, summary.Throughputs(c.Cell, batch)})
		}
	}
	return out
}

// scaled is the estimate in another unit.
func (e estimate) scaled(by float64) estimate {
	e.Estimate = e.Scaled(by)
	e.each = slices.Clone(e.each)
	for i := range e.each {
		e.each[i] *= by
	}
	return e
}

// bounds are an estimate with the ends of its interval, in the digits that it
// leaves.
func bounds(e summary.Estimate) []cell {
	half := e.HalfWidth()
	return []cell{figure(e.Value, half), figure(e.Low, half), figure(e.High, half)}
}

// throughputChart is nil if nothing was measured.
func throughputChart(w *workloadView) *chart {
	estimates := throughputs(w.Cells, w.Batch)
	if len(estimates) == 0 {
		return nil
	}
	out := &chart{ID: w.Anchor + "-throughput", Title: "Throughput", Height: intervalHeight(estimates), Runner: -1,
		Note:     "Large mark: median over processes; bar: " + w.Interval + "; faint dots: the processes. From zero.",
		Label:    fmt.Sprintf("Throughput of %d runners on %s with intervals; the table below has the figures", len(estimates), w.ID),
		Table:    newGrid(w.Anchor+"-throughput-table", "Throughput on "+w.ID, "runner", "#images/s", "#low", "#high", "#processes", "#outliers"),
		Mentions: w.warnedOf(aboutThroughput)}
	for _, c := range w.Cells {
		if t := summary.Throughput(c.Cell); t != nil {
			out.Table.add(c.Mark, append(append([]cell{text(c.Cell.Runner)}, bounds(*t)...), count(t.N), count(c.Cell.Throughput.Outliers))...)
		}
	}
	out.Drawing = intervalPlot("images/s", estimates).drawing()
	return out
}
