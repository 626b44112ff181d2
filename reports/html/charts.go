package html

import (
	"fmt"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/ranking"
)

// chart is a figure with the table of what it shows.
type chart struct {
	ID      string
	Title   string
	Label   string // what a screen reader says
	Height  int    // pixels
	Options map[string]any
	Header  []string
	Rows    [][]string
}

// The runners' marks: colours that the colour-blind can tell apart (Okabe and
// Ito 2008, then Tol's muted scheme), and a symbol and a dash each for those who see none.
var (
	colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#b8860b",
		"#aa3377", "#44aa99", "#6655cc", "#999933", "#aa4466", "#228b55"}
	symbols = []string{"circle", "rect", "triangle", "diamond", "pin", "arrow", "roundRect"}
	dashes  = []string{"solid", "dashed", "dotted", "solid", "dashed", "dotted", "solid", "dashed"}
)

func mark(of []string, i int) string { return of[max(0, i)%len(of)] }

func line(xName, yName string, legend bool) *charts.Line {
	c := charts.NewLine()
	c.SetGlobalOptions(
		charts.WithAnimation(false),
		charts.WithLegendOpts(opts.Legend{Show: opts.Bool(legend), Bottom: "0"}),
		charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true), Trigger: "item"}),
		charts.WithGridOpts(opts.Grid{Left: "12", Right: "28", Top: "28", Bottom: map[bool]string{true: "44", false: "34"}[legend], ContainLabel: opts.Bool(true)}),
		charts.WithXAxisOpts(opts.XAxis{Type: "value", Name: xName, NameLocation: "middle", NameGap: 26}),
		charts.WithYAxisOpts(opts.YAxis{Type: "value", Name: yName, NameLocation: "end"}),
	)
	return c
}

func finish(c *charts.Line, out *chart) {
	c.Validate()
	out.Options = c.JSON()
	delete(out.Options, "toolbox")
	delete(out.Options, "title")
}

// throughputChart is a dot with its interval for each runner, from zero.
func throughputChart(id string, w record.Workload, cells []cellView) chart {
	out := chart{ID: id, Title: "Throughput", Header: []string{"runner", "images/s", "low", "high", "processes"}}
	c := line("images/s", "", false)
	var names []string
	for i := len(cells) - 1; i >= 0; i-- { // the axis counts upwards
		if cells[i].Cell.Throughput != nil {
			names = append(names, cells[i].Row.Runner)
		}
	}
	c.SetGlobalOptions(charts.WithYAxisOpts(opts.YAxis{Type: "category", Data: names}))
	for _, cell := range cells {
		t := cell.Cell.Throughput
		if t == nil {
			continue
		}
		name := cell.Row.Runner
		colour, symbol := mark(colours, cell.Mark), mark(symbols, cell.Mark)
		c.AddSeries(name, []opts.LineData{
			{Value: []any{t.CILow, name}, Symbol: "rect", SymbolSize: 6},
			{Value: []any{t.Median, name}, Symbol: symbol, SymbolSize: 13},
			{Value: []any{t.CIHigh, name}, Symbol: "rect", SymbolSize: 6},
		}, charts.WithLineStyleOpts(opts.LineStyle{Width: 2, Color: colour}), charts.WithItemStyleOpts(opts.ItemStyle{Color: colour}))
		half := (t.CIHigh - t.CILow) / 2
		out.Rows = append(out.Rows, []string{name, ranking.Figure(t.Median, half), ranking.Figure(t.CILow, half), ranking.Figure(t.CIHigh, half), fmt.Sprint(t.N)})
	}
	out.Label = fmt.Sprintf("Throughput of %d runners on %s with intervals; the table below has the figures", len(names), w.ID)
	out.Height = 70 + 44*max(1, len(names))
	finish(c, &out)
	return out
}

// latencyChart draws the percentiles that the samples support; nil without any.
func latencyChart(id string, w record.Workload, cells []cellView) *chart {
	out := chart{ID: id, Title: "Latency of single iterations", Height: 260, Header: []string{"runner", "p50 ms", "p90 ms", "p95 ms", "p99 ms", "p99.9 ms", "max ms", "samples"}}
	c := line("percentile", "ms", true)
	percentiles := []string{"p50", "p90", "p95", "p99", "p99.9", "max"}
	c.SetGlobalOptions(charts.WithXAxisOpts(opts.XAxis{Type: "category", Data: percentiles}), charts.WithYAxisOpts(opts.YAxis{Type: "value", Name: "ms"}))
	for _, cell := range cells {
		l := cell.LatencyMS
		if l == nil {
			continue
		}
		row := []string{cell.Row.Runner}
		var points []opts.LineData
		for i, v := range []*float64{l.P50, l.P90, l.P95, l.P99, l.P999, l.Max} {
			if v == nil {
				row = append(row, "–")
				continue
			}
			row = append(row, ranking.Figure(*v, 0))
			points = append(points, opts.LineData{Value: []any{percentiles[i], *v}, Symbol: mark(symbols, cell.Mark), SymbolSize: 9})
		}
		out.Rows = append(out.Rows, append(row, fmt.Sprint(l.N)))
		c.AddSeries(cell.Row.Runner, points,
			charts.WithLineStyleOpts(opts.LineStyle{Width: 2, Color: mark(colours, cell.Mark), Type: mark(dashes, cell.Mark)}),
			charts.WithItemStyleOpts(opts.ItemStyle{Color: mark(colours, cell.Mark)}))
	}
	if len(out.Rows) == 0 {
		return nil
	}
	out.Label = fmt.Sprintf("Latency percentiles on %s; the table below has the figures", w.ID)
	finish(c, &out)
	return &out
}

// cpuCharts draw the runner's CPU use over its first process, blocks shaded.
func cpuCharts(id string, rec *record.Record, cells []cellView) []chart {
	var all []chart
	for _, cell := range cells {
		for _, p := range cell.Processes {
			series := p.SeriesNamed(record.SeriesCPU)
			if series == nil || len(p.Blocks) == 0 {
				continue
			}
			all = append(all, cpuChart(fmt.Sprintf("%s%d", id, len(all)), rec, cell, p, series))
			break
		}
	}
	return all
}

func cpuChart(id string, rec *record.Record, cell cellView, p record.Process, series *record.Series) chart {
	out := chart{ID: id, Height: 200, Title: fmt.Sprintf("CPU of %s over one process (round %d)", cell.Row.Runner, p.Round+1),
		Header: []string{"block", "scenario", "iterations", "seconds", "CPU %"}}
	out.Label = out.Title + "; shaded are the timed blocks, which the table below lists"
	c := line("seconds since the warm-up began", "CPU %", false)
	origin := series.TimeNS[0]
	seconds := func(ns int64) float64 { return float64(ns-origin) / 1e9 }
	most := 100 * float64(max(1, rec.Environment.LogicalCPUs))
	var points []opts.LineData
	for i, v := range series.Values {
		points = append(points, opts.LineData{Value: []any{seconds(series.TimeNS[i]), v}, Symbol: "none"})
		most = max(most, v)
	}
	options := []charts.SeriesOpts{
		charts.WithLineStyleOpts(opts.LineStyle{Width: 2, Color: mark(colours, cell.Mark), Type: mark(dashes, cell.Mark)}),
		charts.WithItemStyleOpts(opts.ItemStyle{Color: mark(colours, cell.Mark)}),
	}
	for i, b := range p.Blocks {
		options = append(options, charts.WithMarkAreaNameCoordItemOpts(opts.MarkAreaNameCoordItem{
			Coordinate0: []any{seconds(b.StartNS), 0}, Coordinate1: []any{seconds(b.EndNS), most},
			ItemStyle: &opts.ItemStyle{Color: mark(colours, cell.Mark), Opacity: opts.Float(0.12)}}))
		cpu := "–"
		if b.CPUPercent != nil {
			cpu = fmt.Sprintf("%.0f", *b.CPUPercent)
		}
		out.Rows = append(out.Rows, []string{fmt.Sprint(i + 1), b.Scenario, fmt.Sprint(b.Iterations), ranking.Figure(b.Seconds(), 0), cpu})
	}
	c.AddSeries(cell.Row.Runner, points, options...)
	finish(c, &out)
	return out
}
