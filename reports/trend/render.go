package trend

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/dlbench/dlbench/reports/history"
	"github.com/dlbench/dlbench/reports/html"
	"github.com/dlbench/dlbench/reports/ranking"
	"github.com/dlbench/dlbench/reports/table"
)

//go:embed assets/trend.html.tmpl assets/trend.js
var assets embed.FS

// page is what the template shows.
type page struct {
	*Trend // the first, for what all share
	html.Parts
	Title  string
	CSP    string
	Alarms string // of 100 lines without a change
	Script template.JS
	Data   drawings
	Lines  []lineView
	Left   []leftView
}

// drawings are what the page's script hands to ECharts: the look of all, and
// complete options by the ID of their line.
type drawings struct {
	Theme  map[string]any            `json:"theme"`
	Charts map[string]map[string]any `json:"charts"`
}

// lineView is a line, worded.
type lineView struct {
	ID, Heading, Place, Shape, Label, Found string
	Changes                                 []changeView
	Rows                                    [][]string
	Older                                   int // points that are drawn and not in Rows
}

type changeView struct {
	Number                             int
	Time, Before, After, Size, P, From string
	To                                 string
	Changed, Near                      []Difference
}

// leftView is a reason why records are left out.
type leftView struct {
	Reason string
	Count  int
}

// rowsShown is how many points a line's table has, the newest.
const rowsShown = 200

// Render writes trends of one metric as one self-contained page.
func Render(w io.Writer, trends ...*Trend) error {
	parts, err := html.PageParts()
	if err != nil {
		return err
	}
	script, err := assets.ReadFile("assets/trend.js")
	if err != nil {
		return err
	}
	first := trends[0]
	p := page{Trend: first, Parts: parts, Script: html.Script(parts.Draw, string(script)), Data: drawings{html.Theme(), map[string]map[string]any{}}, Alarms: fmt.Sprintf("%.3g", 100*first.Level),
		Title: fmt.Sprintf("%s of %s on %s", first.Metric, first.Runner, first.Workload)}
	if len(trends) > 1 {
		p.Title = fmt.Sprintf("%s of %d cells", first.Metric, len(trends))
	}
	p.CSP = html.Policy(p.ECharts, p.Script)
	var left []history.LeftOut
	for _, t := range trends {
		left = append(left, t.LeftOut...)
		for _, l := range t.Lines {
			v := viewOf(t, l, len(p.Lines))
			if len(trends) > 1 {
				v.Heading = fmt.Sprintf("%s on %s", t.Runner, t.Workload)
			}
			p.Lines = append(p.Lines, v)
			p.Data.Charts[v.ID] = chartOf(t, l, len(p.Lines)-1)
		}
	}
	p.Left = leftOut(left)
	tmpl, err := template.New("trend.html.tmpl").Funcs(template.FuncMap{"json": html.ScriptJSON}).ParseFS(assets, "assets/trend.html.tmpl")
	if err != nil {
		return fmt.Errorf("read the trend's template: %w", err)
	}
	return tmpl.Execute(w, p)
}

func viewOf(t *Trend, l Line, number int) lineView {
	v := lineView{ID: fmt.Sprintf("line%d", number), Place: l.Place.String(), Shape: l.Shape}
	first, last := l.Points[0], l.Points[len(l.Points)-1]
	v.Label = fmt.Sprintf("%s of %s on %s from %s to %s in %d records; the tables below have the figures", t.Metric, t.Runner, t.Workload, day(first), day(last), len(l.Points))
	for i, c := range l.Changes {
		v.Changes = append(v.Changes, changeView{Number: i + 1, Time: c.Created.Format("2006-01-02 15:04 MST"), Before: figure(t, c.Before), After: figure(t, c.After),
			Size: sizeOf(t.Metric, c), P: fmt.Sprintf("%.2g", c.P), From: c.Last, To: c.ID, Changed: c.Changed, Near: c.Near})
	}
	v.Found = found(l)
	newest := l.Points[max(0, len(l.Points)-rowsShown):]
	v.Older = len(l.Points) - len(newest)
	for i := len(newest) - 1; i >= 0; i-- {
		p := newest[i]
		v.Rows = append(v.Rows, []string{p.Created.Format("2006-01-02 15:04 MST"), p.ID, figure(t, p.Value), figure(t, p.Low) + " – " + figure(t, p.High), interval(p.Figure), fmt.Sprint(p.N)})
	}
	return v
}

func day(p Point) string { return p.Created.Format("2 January 2006") }

// found says in words what the search for changes came to.
func found(l Line) string {
	switch n := len(l.Changes); {
	case n == 1:
		return "One change point."
	case n > 1:
		return fmt.Sprintf("%d change points.", n)
	case len(l.Points) < 14:
		return fmt.Sprintf("No change point: %d records are too few to see one; it takes 14.", len(l.Points))
	}
	return "No change point."
}

// sizeOf is a change as people say it: of throughput more is better, of the
// others less.
func sizeOf(m history.Metric, c Change) string {
	if c.Ratio == 0 {
		return "–"
	}
	better := c.Ratio > 1 == (m == history.Throughput)
	word := "worse"
	if better {
		word = "better"
	}
	return fmt.Sprintf("%+.2f %%, %s", 100*(c.Ratio-1), word)
}

func interval(f history.Figure) string {
	switch {
	case f.Level > 0:
		return fmt.Sprintf("%.0f %% interval", 100*f.Level)
	case f.N > 0:
		return "range"
	}
	return "none"
}

// leftOut counts the records that are left out by reason, the first reason
// first.
func leftOut(all []history.LeftOut) []leftView {
	var views []leftView
	at := map[string]int{}
	for _, l := range all {
		i, ok := at[l.Reason]
		if !ok {
			i = len(views)
			at[l.Reason] = i
			views = append(views, leftView{Reason: l.Reason})
		}
		views[i].Count++
	}
	return views
}

// shown is a value in the unit of the chart's axis.
func shown(t *Trend, v float64) float64 {
	if t.Metric == history.Memory {
		return v / (1 << 20)
	}
	return v
}

func unitShown(t *Trend) string {
	if t.Metric == history.Memory {
		return "MiB"
	}
	return t.Unit
}

// figure is a value with its unit in words.
func figure(t *Trend, v float64) string {
	if t.Metric == history.Memory {
		return table.Bytes(int64(v))
	}
	return strings.TrimSpace(ranking.Figure(v, 0))
}
