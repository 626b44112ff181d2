package html

import (
	"slices"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"
)

// plot collects what a chart shows. go-echarts' option structures are used, and
// neither its page nor its scripts.
type plot struct {
	line    *charts.Line
	series  []series
	runners []int
	rows    []int
}

// series is go-echarts' with what that lacks.
type series struct {
	charts.SingleSeries
	Dimensions []string `json:"dimensions,omitempty"` // the names of a point's numbers, for tooltips
}

// yAxis is go-echarts' with what that lacks.
type yAxis struct {
	opts.YAxis
	NameTextStyle map[string]any `json:"nameTextStyle,omitempty"`
}

// newPlot is an empty chart over a pair of axes.
func newPlot(trigger string, x opts.XAxis, y opts.YAxis) *plot {
	p := &plot{line: charts.NewLine()}
	p.line.SetGlobalOptions(charts.WithAnimation(false), charts.WithXAxisOpts(x), charts.WithYAxisOpts(y),
		charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true), Trigger: trigger}),
		charts.WithLegendOpts(opts.Legend{Show: opts.Bool(false)}))
	return p
}

// newRowPlot is an empty chart with a row for each runner, the first on top.
func newRowPlot(x opts.XAxis, names []string, numbers []int) *plot {
	names, numbers = slices.Clone(names), slices.Clone(numbers)
	slices.Reverse(names) // the axis counts upwards
	slices.Reverse(numbers)
	p := newPlot("item", x, opts.YAxis{Type: "category", Data: names})
	p.rows = numbers
	return p.frame(false)
}

// frame sets the room around the drawing; with a legend there is more below.
func (p *plot) frame(legend bool) *plot {
	bottom := "34"
	if legend {
		bottom = "62"
		p.line.SetGlobalOptions(charts.WithLegendOpts(opts.Legend{Show: opts.Bool(true), Type: "scroll", Bottom: "0"}))
	}
	p.line.SetGlobalOptions(charts.WithGridOpts(opts.Grid{Left: "10", Right: "26", Top: "30", Bottom: bottom, ContainLabel: opts.Bool(true)}))
	return p
}

// add adds a series of a runner, or of none (-1).
func (p *plot) add(runner int, s series) {
	p.series = append(p.series, s)
	if runner >= 0 && !slices.Contains(p.runners, runner) {
		p.runners = append(p.runners, runner)
	}
}

func (p *plot) empty() bool { return len(p.series) == 0 }

// drawing is the whole chart.
func (p *plot) drawing() drawing {
	o := p.line.JSON()
	for _, unused := range []string{"toolbox", "title", "color"} {
		delete(o, unused)
	}
	o["series"] = p.series
	var ys []yAxis
	for _, y := range p.line.YAxisList {
		ys = append(ys, yAxis{y, nameStyle(y)})
	}
	o["yAxis"] = ys
	if p.rows != nil {
		o = map[string]any{"baseOption": o, "media": rowLabels}
	}
	return drawing{Option: o, Runners: append([]int{}, p.runners...), Rows: p.rows}
}

// nameStyle has the name of an upright axis begin where the axis stands.
func nameStyle(y opts.YAxis) map[string]any {
	if y.NameLocation == "middle" {
		return nil
	}
	return map[string]any{"align": "left", "padding": []int{0, 0, 0, -4}}
}

// rowLabels leave the names of runners less room on a telephone.
var rowLabels = []map[string]any{
	{"query": map[string]any{"maxWidth": 560}, "option": labelWidth(112)},
	{"option": labelWidth(170)},
}

func labelWidth(pixels int) map[string]any {
	return map[string]any{"yAxis": map[string]any{"axisLabel": map[string]any{"width": pixels, "overflow": "truncate"}}}
}

func valueAxis(name string) opts.XAxis {
	return opts.XAxis{Type: "value", Name: name, NameLocation: "middle", NameGap: 28, Min: 0}
}

func logAxis(name string) opts.XAxis {
	return opts.XAxis{Type: "log", Name: name + " (logarithmic)", NameLocation: "middle", NameGap: 28}
}

func uprightAxis(name string) opts.YAxis { return opts.YAxis{Type: "value", Name: name, Min: 0} }

// shows are the numbers of a point that a tooltip tells, by their places.
func shows(dimensions ...int) *opts.Encode { return &opts.Encode{X: 0, Y: 1, Tooltip: dimensions} }

// named is shows of points that say at some place what they are.
func named(name int, dimensions ...int) *opts.Encode {
	e := shows(dimensions...)
	e.ItemName = name
	return e
}
