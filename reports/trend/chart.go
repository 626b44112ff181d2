package trend

import (
	"fmt"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/dlbench/dlbench/reports/html"
)

// mostSymbols is how many records are drawn as dots; more of them are a line only.
const mostSymbols = 400

// chartOf draws a line: the figures, a band of their intervals, and a mark at
// each change point. It is complete: the page draws it as it is.
func chartOf(t *Trend, l Line, number int) map[string]any {
	c := charts.NewLine()
	c.SetGlobalOptions(
		charts.WithAnimation(false),
		charts.WithLegendOpts(opts.Legend{Show: opts.Bool(false)}),
		charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true), Trigger: "item"}),
		charts.WithGridOpts(opts.Grid{Left: "12", Right: "28", Top: "36", Bottom: "34", ContainLabel: opts.Bool(true)}),
		charts.WithXAxisOpts(opts.XAxis{Type: "time", AxisLabel: &opts.AxisLabel{Formatter: "{d} {MMM}\n{yyyy}"}}),
		charts.WithYAxisOpts(opts.YAxis{Type: "value", Name: unitShown(t), NameLocation: "end", Scale: opts.Bool(true)}),
	)
	c.AddDataset(opts.Dataset{Source: columnsOf(t, l)})
	c.MultiSeries = append(band(html.Colour(number)), figures(t, l, html.Colour(number)))
	c.Validate()
	out := c.JSON()
	delete(out, "toolbox")
	delete(out, "title")
	out["useUTC"] = true
	return out
}

// The columns of a line's data, by which tooltips name them. The value's has the
// name of its unit.
const (
	timeColumn, fromColumn, toColumn, recordColumn = "time", "from", "to", "record"
	widthColumn                                    = "width" // of the interval
)

func columnsOf(t *Trend, l Line) map[string]any {
	n := len(l.Points)
	times, records := make([]int64, n), make([]string, n)
	values, from, to, width := make([]html.Datum, n), make([]html.Datum, n), make([]html.Datum, n), make([]html.Datum, n)
	for i, p := range l.Points {
		times[i], records[i] = p.Created.UnixMilli(), p.ID
		values[i], from[i], to[i] = datum(t, p.Value), datum(t, p.Low), datum(t, p.High)
		width[i] = to[i] - from[i]
	}
	return map[string]any{timeColumn: times, recordColumn: records, unitShown(t): values, fromColumn: from, toColumn: to, widthColumn: width}
}

func datum(t *Trend, v float64) html.Datum { return html.Datum(shown(t, v)) }

// band is two series stacked upon each other, of which the lower one is not
// seen: ECharts has no series of intervals.
func band(colour string) []charts.SingleSeries {
	edge := func(name, column string, area *opts.AreaStyle) charts.SingleSeries {
		return charts.SingleSeries{Name: name, Type: "line", Stack: "interval", Symbol: "none", ShowSymbol: opts.Bool(false), AreaStyle: area,
			LineStyle: &opts.LineStyle{Width: 0.01, Color: colour, Opacity: opts.Float(0)}, Encode: &opts.Encode{X: timeColumn, Y: column}}
	}
	return []charts.SingleSeries{edge("below the interval", fromColumn, nil),
		edge("interval", widthColumn, &opts.AreaStyle{Color: colour, Opacity: opts.Float(0.2)})}
}

func figures(t *Trend, l Line, colour string) charts.SingleSeries {
	unit := unitShown(t)
	return charts.SingleSeries{Name: t.Runner, Type: "line", Symbol: "circle", SymbolSize: 7, ShowSymbol: opts.Bool(len(l.Points) <= mostSymbols),
		LineStyle: &opts.LineStyle{Width: 2, Color: colour}, ItemStyle: &opts.ItemStyle{Color: colour}, MarkLines: changeMarks(l),
		Encode: &opts.Encode{X: timeColumn, Y: unit, Tooltip: []string{timeColumn, unit, fromColumn, toColumn, recordColumn}}}
}

// changeMarks are upright lines at the change points, with their numbers in the
// table; nil without any.
func changeMarks(l Line) *opts.MarkLines {
	if len(l.Changes) == 0 {
		return nil
	}
	marks := &opts.MarkLines{MarkLineStyle: opts.MarkLineStyle{Symbol: []string{"none", "none"},
		Label:     &opts.Label{Show: opts.Bool(true), Formatter: "{b}", Color: html.Tone("bad")},
		LineStyle: &opts.LineStyle{Color: html.Tone("bad"), Type: "dashed", Width: 2}}}
	for i, change := range l.Changes {
		told := fmt.Sprintf("change point %d: %s", i+1, change.Created.Format("2006-01-02 15:04 MST"))
		marks.Data = append(marks.Data, map[string]any{"name": fmt.Sprint(i + 1), "xAxis": change.Created.UnixMilli(), "tooltip": map[string]any{"formatter": told}})
	}
	return marks
}
