package nodes

import (
	"cmp"
	"embed"
	"fmt"
	"html/template"
	"io"
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/html"
	"github.com/dlbench/dlbench/reports/ranking"
)

//go:embed assets/nodes.html.tmpl assets/nodes.js
var assets embed.FS

// page is what the template shows.
type page struct {
	*Fleet
	html.Parts
	Title     string
	CSP       string
	Method    string
	KindWords []string
	Chart     bool
	Drawn     int
	Label     string
	Script    template.JS
	Data      drawing
	Sections  []section
}

// drawing is what the page's script hands to ECharts.
type drawing struct {
	Theme map[string]any `json:"theme"`
	Chart map[string]any `json:"chart"`
}

// HTML writes the nodes as one self-contained page.
func (f *Fleet) HTML(w io.Writer) error {
	parts, err := html.PageParts()
	if err != nil {
		return err
	}
	script, err := assets.ReadFile("assets/nodes.js")
	if err != nil {
		return err
	}
	p := page{Fleet: f, Parts: parts, Title: fmt.Sprintf("%s on %s", cmp.Or(f.Suite, "Records"), ranking.Count(distinct(f.Nodes), "node")), Sections: f.sections()}
	if f.Spread == record.ByNodes {
		p.Method = f.method()
	}
	for _, k := range f.Kinds {
		p.KindWords = append(p.KindWords, k.words())
	}
	if chart := f.chartOf(); chart != nil && f.Spread == record.ByNodes {
		p.Chart, p.Drawn, p.Data = true, len(f.byRatio()), drawing{html.Theme(), chart}
		p.Label = fmt.Sprintf("How %s differ: %s; the table below has the figures", ranking.Count(p.Drawn, "node"), f.Headline)
		p.Script = html.Script(parts.Draw, string(script))
		p.CSP = html.Policy(p.ECharts, p.Script)
	} else {
		p.CSP = html.Policy()
	}
	tmpl, err := template.New("nodes.html.tmpl").Funcs(template.FuncMap{"json": html.ScriptJSON}).ParseFS(assets, "assets/nodes.html.tmpl")
	if err != nil {
		return fmt.Errorf("read the template of nodes: %w", err)
	}
	return tmpl.Execute(w, p)
}

func sortByRatio(nodes []Node) {
	slices.SortStableFunc(nodes, func(a, b Node) int { return cmp.Compare(a.Ratio, b.Ratio) })
}
