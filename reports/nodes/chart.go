package nodes

import (
	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/html"
)

// series is go-echarts' with what that lacks.
type series struct {
	charts.SingleSeries
	Dimensions   []string `json:"dimensions,omitempty"` // the names of a point's numbers, for tooltips
	SymbolRotate int      `json:"symbolRotate,omitempty"`
	Z            int      `json:"z,omitempty"` // what is drawn above what
}

// yAxis is go-echarts' with what that lacks.
type yAxis struct {
	opts.YAxis
	NameTextStyle map[string]any `json:"nameTextStyle"`
}

// look is how nodes of a verdict are drawn: by colour and by shape.
type look struct {
	verdict, colour, symbol string
	size                    int
	rotate                  int
	named                   bool
}

var looks = []look{
	{verdict: summary.UsualNode, colour: html.Colour(0), symbol: "circle", size: 6},
	{verdict: summary.UnknownNode, colour: html.Tone("warn"), symbol: "diamond", size: 9},
	{verdict: summary.FastNode, colour: html.Tone("good"), symbol: "triangle", size: 11},
	{verdict: summary.SlowNode, colour: html.Tone("bad"), symbol: "triangle", size: 12, rotate: 180, named: true},
}

// mostNamed is how many slow nodes have their names in the drawing, and of how
// many nodes all have.
const mostNamed = 12

// chartOf draws every node that has a ratio as a dot with its interval, the
// slowest at the left: two hundred of them show as a curve from which the odd ones
// fall off. Nil without any.
func (f *Fleet) chartOf() map[string]any {
	nodes := f.byRatio()
	if len(nodes) == 0 {
		return nil
	}
	c := charts.NewLine()
	c.SetGlobalOptions(
		charts.WithAnimation(false),
		charts.WithLegendOpts(opts.Legend{Show: opts.Bool(true), Type: "scroll", Bottom: "0"}),
		charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true), Trigger: "item"}),
		charts.WithGridOpts(opts.Grid{Left: "12", Right: "28", Top: "36", Bottom: "66", ContainLabel: opts.Bool(true)}),
		charts.WithXAxisOpts(opts.XAxis{Type: "value", Name: "nodes, the slowest first", NameLocation: "middle", NameGap: 26, Min: 0, Max: len(nodes) + 1, MinInterval: 1, SplitLine: &opts.SplitLine{Show: opts.Bool(false)}}),
		charts.WithYAxisOpts(opts.YAxis{Type: "value", Name: "difference to the others, %", NameLocation: "end", Scale: opts.Bool(true)}),
	)
	var all []series
	for _, l := range looks {
		all = append(all, l.series(nodes)...)
	}
	c.Validate()
	out := c.JSON()
	for _, unused := range []string{"toolbox", "title", "color"} {
		delete(out, unused)
	}
	out["series"] = all
	out["yAxis"] = []yAxis{{c.YAxisList[0], map[string]any{"align": "left", "padding": []int{0, 0, 0, -4}}}}
	return out
}

// byRatio are the nodes that have a ratio, the slowest first.
func (f *Fleet) byRatio() []Node {
	var nodes []Node
	for _, n := range f.Nodes {
		if n.Ratio > 0 {
			nodes = append(nodes, n)
		}
	}
	sortByRatio(nodes)
	return nodes
}

// series are the intervals and the dots of the nodes of a verdict; none without
// such nodes. Intervals are one line with gaps, because ECharts has no series of
// intervals.
func (l look) series(nodes []Node) []series {
	var bars, dots []any
	named := 0
	for i, n := range nodes {
		if n.Verdict != l.verdict {
			continue
		}
		bars = append(bars, []any{i + 1, rounded(n.CILow)}, []any{i + 1, rounded(n.CIHigh)}, []any{nil, nil})
		dot := map[string]any{"value": []any{i + 1, rounded(n.Ratio), n.Node, rounded(n.CILow), rounded(n.CIHigh)}}
		if len(nodes) <= mostNamed || l.named && named < mostNamed {
			dot["label"] = map[string]any{"show": true, "formatter": "{@[2]}", "position": "right", "color": l.colour, "fontSize": 12}
			named++
		}
		dots = append(dots, dot)
	}
	if len(dots) == 0 {
		return nil
	}
	names := []string{"place", "difference to the others, %", "node", "from", "to"}
	// The dots come first, so that the legend shows them, and are drawn above.
	return []series{
		{SingleSeries: charts.SingleSeries{Name: l.verdict, Type: "scatter", Data: dots, Symbol: l.symbol, SymbolSize: l.size,
			ItemStyle: &opts.ItemStyle{Color: l.colour}, Encode: &opts.Encode{X: 0, Y: 1, ItemName: 2, Tooltip: []int{1, 3, 4}}}, Dimensions: names, SymbolRotate: l.rotate, Z: 4},
		{SingleSeries: charts.SingleSeries{Name: l.verdict, Type: "line", Data: bars, Symbol: "none", ShowSymbol: opts.Bool(false),
			LineStyle: &opts.LineStyle{Color: l.colour, Width: 1.5, Opacity: opts.Float(0.55)}, ItemStyle: &opts.ItemStyle{Color: l.colour}}, Z: 3},
	}
}

// rounded is a ratio as per cent from 1, with the digits that a drawing shows.
func rounded(ratio float64) html.Datum {
	return html.Datum(float64(int(10000*(ratio-1)+10000.5)-10000) / 100)
}
