// Package html draws records as one self-contained page: no network, no
// script but its own, every text escaped.
//
// Charts are go-echarts' option structures, passed as JSON to the embedded
// ECharts; go-echarts' own page is not used, because it trusts the texts it
// is given and loads its script from elsewhere.
package html

import (
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
)

// The ECharts bundle is that of the npm package echarts, version 6.1.0
// (dist/echarts.common.min.js), under the licences that lie beside it; `make
// echarts` fetches it again.
//
//go:embed assets/*.tmpl assets/*.css assets/*.js
var assets embed.FS

// Render writes the page of one or more records.
func Render(w io.Writer, records []*record.Record) error {
	p, err := newPage(records)
	if err != nil {
		return err
	}
	t, err := template.New("report.html.tmpl").ParseFS(assets, "assets/*.tmpl")
	if err != nil {
		return fmt.Errorf("read the report's template: %w", err)
	}
	return t.Execute(w, p)
}

// page is what the template shows.
type page struct {
	Title    string
	CSP      string // of the policy: these scripts and nothing else
	Style    template.CSS
	ECharts  template.JS
	Script   template.JS
	Data     template.JS
	Filters  filters
	Overview *overview
	Records  []*view
}

func newPage(records []*record.Record) (*page, error) {
	p := &page{Title: "dlbench"}
	if err := p.readAssets(); err != nil {
		return nil, err
	}
	m, a := newMarks(records), anchors{}
	for i, rec := range records {
		letter, prefix := letterOf(i), ""
		if len(records) > 1 {
			prefix = strings.ToLower(letter) + "-"
		}
		p.Records = append(p.Records, newView(rec, letter, prefix, m, a))
		p.Title += " · " + rec.Suite
	}
	p.Overview = newOverview(p.Records, m, a)
	p.Filters = newFilters(p.Records, m)
	return p, p.pack(m)
}

// pack puts what is drawn into the page.
func (p *page) pack(m *marks) (err error) {
	d := newData(m)
	for _, v := range p.Records {
		d.view(v)
	}
	if p.Overview != nil {
		d.overview(p.Overview)
	}
	p.Data, err = d.packed()
	return err
}

// letterOf is A, B, …, Z, A1, B1, …
func letterOf(i int) string {
	letter := string(rune('A' + i%26))
	if i >= 26 {
		letter += fmt.Sprint(i / 26)
	}
	return letter
}

// scripts are the page's own, in the order in which they build on one another.
var scripts = []string{"theme.js", "tables.js", "draw.js", "charts.js", "filter.js", "page.js"}

func (p *page) readAssets() error {
	parts, err := PageParts()
	if err != nil {
		return err
	}
	var sources []string
	for _, name := range scripts {
		text, err := assets.ReadFile("assets/" + name)
		if err != nil {
			return err
		}
		sources = append(sources, string(text))
	}
	p.Style, p.ECharts, p.Script = parts.Style, parts.ECharts, Script(sources...)
	p.CSP = Policy(p.ECharts, p.Script)
	return nil
}

// sourceHash names an inline script in a Content-Security-Policy.
func sourceHash(script string) string {
	sum := sha256.Sum256([]byte(script))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
