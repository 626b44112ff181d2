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
	"encoding/json"
	"fmt"
	"html/template"
	"io"

	"github.com/dlbench/dlbench/metrics/record"
)

// The ECharts bundle is that of the npm package echarts, version 6.1.0
// (dist/echarts.common.min.js), under the licences that lie beside it; `make
// echarts` fetches it again.
//
//go:embed assets/report.html.tmpl assets/report.css assets/report.js assets/echarts.common.min.js
var assets embed.FS

// Render writes the page of one or more records.
func Render(w io.Writer, records []*record.Record) error {
	page, err := newPage(records)
	if err != nil {
		return err
	}
	t, err := template.New("report.html.tmpl").Funcs(template.FuncMap{"json": scriptJSON}).ParseFS(assets, "assets/report.html.tmpl")
	if err != nil {
		return fmt.Errorf("read the report's template: %w", err)
	}
	return t.Execute(w, page)
}

// page is what the template shows.
type page struct {
	Title   string
	CSP     string // of the policy: these scripts and nothing else
	Style   template.CSS
	ECharts template.JS
	Script  template.JS
	Records []view
}

func newPage(records []*record.Record) (*page, error) {
	p := &page{Title: "dlbench"}
	var text [3]string
	for i, name := range []string{"report.css", "echarts.common.min.js", "report.js"} {
		data, err := assets.ReadFile("assets/" + name)
		if err != nil {
			return nil, err
		}
		text[i] = string(data)
	}
	p.Style, p.ECharts, p.Script = template.CSS(text[0]), template.JS(text[1]), template.JS(text[2])
	p.CSP = fmt.Sprintf("default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; script-src '%s' '%s'", sourceHash(text[1]), sourceHash(text[2]))
	for i, rec := range records {
		p.Records = append(p.Records, newView(rec, i))
		p.Title += " · " + rec.Suite
	}
	return p, nil
}

// sourceHash names an inline script in a Content-Security-Policy.
func sourceHash(script string) string {
	sum := sha256.Sum256([]byte(script))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// scriptJSON is JSON that can stand inside a script element: the encoder
// escapes <, > and &.
func scriptJSON(value any) (template.JS, error) {
	data, err := json.Marshal(value)
	return template.JS(data), err
}
