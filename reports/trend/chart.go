package trend

import (
	"fmt"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/dlbench/dlbench/reports/html"
)

// inkOfChange is the colour of a change point's mark.
const inkOfChange = "#b3261e"

// chartOf draws a line: the figures, a band of their intervals, and a mark at
// each change point.
//
// The band is two series stacked upon each other, of which the lower one is
// not seen: ECharts has no series of intervals.
func chartOf(t *Trend, l Line, number int) map[string]any {
	c := charts.NewLine()
	c.SetGlobalOptions(
		charts.WithAnimation(false),
		charts.WithLegendOpts(opts.Legend{Show: opts.Bool(false)}),
		charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true), Trigger: "item"}),
		charts.WithGridOpts(opts.Grid{Left: "12", Right: "28", Top: "36", Bottom: "34", ContainLabel: opts.Bool(true)}),
		charts.WithXAxisOpts(opts.XAxis{Type: "time"}),
		charts.WithYAxisOpts(opts.YAxis{Type: "value", Name: unitShown(t), NameLocation: "end", Scale: opts.Bool(true)}),
	)
	colour := html.Colour(number)
	var figures, low, width []opts.LineData
	for _, p := range l.Points {
		at := p.Created.UnixMilli()
		value, from, to := shown(t, p.Value), shown(t, p.Low), shown(t, p.High)
		figures = append(figures, opts.LineData{Value: []any{at, value, from, to, p.ID}, Symbol: "circle", SymbolSize: 7})
		low = append(low, opts.LineData{Value: []any{at, from}, Symbol: "none"})
		width = append(width, opts.LineData{Value: []any{at, to - from}, Symbol: "none"})
	}
	unseen := charts.WithLineStyleOpts(opts.LineStyle{Width: 0.01, Color: colour, Opacity: opts.Float(0)})
	stack := charts.WithLineChartOpts(opts.LineChart{Stack: "interval", ShowSymbol: opts.Bool(false)})
	c.AddSeries("low", low, unseen, stack)
	c.AddSeries("interval", width, unseen, stack, charts.WithAreaStyleOpts(opts.AreaStyle{Color: colour, Opacity: opts.Float(0.2)}))
	options := []charts.SeriesOpts{
		charts.WithLineChartOpts(opts.LineChart{ShowSymbol: opts.Bool(len(l.Points) <= 400)}),
		charts.WithLineStyleOpts(opts.LineStyle{Width: 2, Color: colour}),
		charts.WithItemStyleOpts(opts.ItemStyle{Color: colour}),
	}
	for i, change := range l.Changes {
		options = append(options, charts.WithMarkLineNameXAxisItemOpts(opts.MarkLineNameXAxisItem{Name: fmt.Sprint(i + 1), XAxis: change.Created.UnixMilli()}))
	}
	options = append(options, charts.WithMarkLineStyleOpts(opts.MarkLineStyle{Symbol: []string{"none", "none"},
		Label: &opts.Label{Show: opts.Bool(true), Formatter: "{b}"}, LineStyle: &opts.LineStyle{Color: inkOfChange, Type: "dashed", Width: 2}}))
	c.AddSeries(t.Runner, figures, options...)
	c.Validate()
	out := c.JSON()
	delete(out, "toolbox")
	delete(out, "title")
	return out
}
