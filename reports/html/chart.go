package html

import (
	"fmt"
	"math"
	"strconv"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"
)

// chart is a figure with the table of what it shows.
type chart struct {
	ID      string
	Title   string
	Note    string // how to read it
	Label   string // what a screen reader says
	Height  int    // pixels
	Runner  int    // number of the one runner that it is about, else -1
	Top     bool   // stands right below a section's heading
	Options map[string]any
	Table   *grid
	Notes   []note // the caveats that concern it
}

// plot collects what a chart shows. The chart library's own page and scripts
// are not used; its option structures are.
type plot struct {
	line *charts.Line
}

// newPlot is an empty chart over one or more pairs of axes.
func newPlot(trigger string, x opts.XAxis, y opts.YAxis) *plot {
	p := &plot{line: charts.NewLine()}
	p.line.SetGlobalOptions(charts.WithAnimation(false), charts.WithXAxisOpts(x), charts.WithYAxisOpts(y),
		charts.WithTooltipOpts(opts.Tooltip{Show: opts.Bool(true), Trigger: trigger}),
		charts.WithLegendOpts(opts.Legend{Show: opts.Bool(false)}))
	return p
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

// add adds a series; its identifier tells the page's script whose it is.
func (p *plot) add(mark int, s charts.SingleSeries) {
	s.Id = fmt.Sprintf("r%d.%d", mark, len(p.line.MultiSeries))
	p.line.MultiSeries = append(p.line.MultiSeries, s)
}

func (p *plot) empty() bool { return len(p.line.MultiSeries) == 0 }

// options are what the page's script hands to ECharts.
func (p *plot) options() map[string]any {
	o := p.line.JSON()
	delete(o, "toolbox")
	delete(o, "title")
	delete(o, "color")
	return o
}

func valueAxis(name string) opts.XAxis {
	return opts.XAxis{Type: "value", Name: name, NameLocation: "middle", NameGap: 28}
}

func logAxis(name string) opts.XAxis {
	return opts.XAxis{Type: "log", Name: name + " (logarithmic)", NameLocation: "middle", NameGap: 28}
}

// rounded keeps five digits: a chart shows no more, and a page of thousands of
// points is half as long.
func rounded(v float64) float64 { return roundedTo(5, v) }

// roundedTo holds what is too large for JSON to the largest number that is not.
func roundedTo(digits int, v float64) float64 {
	v = max(-math.MaxFloat64, min(math.MaxFloat64, v))
	if math.IsNaN(v) {
		return 0
	}
	short, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', digits, 64), 64)
	if err != nil {
		return v // rounded up, it would be too large
	}
	return short
}

// columns are a series' points with the xs apart from the ys, which packs better;
// the page's script puts them together.
type columns struct {
	X []float64 `json:"x"`
	Y []float64 `json:"y"`
}

// points are pairs for a series.
func points(xs, ys []float64) [][2]float64 {
	out := make([][2]float64, len(xs))
	for i := range xs {
		out[i] = [2]float64{rounded(xs[i]), rounded(ys[i])}
	}
	return out
}
