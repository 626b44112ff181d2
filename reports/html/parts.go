package html

import (
	"encoding/json"
	"fmt"
	"html/template"
	"strings"
)

// Parts are what every self-contained page of charts is made of: other pages
// than the report's take them from here, so that all look alike and ECharts is
// in the program once.
type Parts struct {
	Style   template.CSS
	ECharts template.JS
}

// PageParts reads them.
func PageParts() (Parts, error) {
	style, err := assets.ReadFile("assets/report.css")
	if err != nil {
		return Parts{}, err
	}
	script, err := assets.ReadFile("assets/echarts.common.min.js")
	return Parts{Style: template.CSS(style), ECharts: template.JS(script)}, err
}

// Policy is the Content-Security-Policy of a page: these scripts and nothing
// else, from nowhere else.
func Policy(scripts ...template.JS) string {
	var hashes []string
	for _, script := range scripts {
		hashes = append(hashes, "'"+sourceHash(string(script))+"'")
	}
	return fmt.Sprintf("default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; script-src %s", strings.Join(hashes, " "))
}

// ScriptJSON is JSON that can stand inside a script element: the encoder
// escapes <, > and &.
func ScriptJSON(value any) (template.JS, error) {
	data, err := json.Marshal(value)
	return template.JS(data), err
}

// palette is of middle tones, which are seen on light paper and on dark
// (Okabe & Ito, "Color Universal Design", 2008).
var palette = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f"}

// Colour is the n-th colour of a chart of other pages than the report's; they
// begin again where they end.
func Colour(n int) string { return palette[max(0, n)%len(palette)] }
