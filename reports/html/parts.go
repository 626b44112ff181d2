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
	Draw    string // the source of draw, which a page's own script calls
}

// PageParts reads them.
func PageParts() (Parts, error) {
	style, err := assets.ReadFile("assets/report.css")
	if err != nil {
		return Parts{}, err
	}
	script, err := assets.ReadFile("assets/echarts.common.min.js")
	if err != nil {
		return Parts{}, err
	}
	draw, err := assets.ReadFile("assets/draw.js")
	return Parts{Style: template.CSS(style), ECharts: template.JS(script), Draw: string(draw)}, err
}

// Script wraps the sources of a page's own script, so that their names are theirs.
func Script(sources ...string) template.JS {
	return template.JS("(() => {\n\"use strict\";\n" + strings.Join(sources, "") + "})();\n")
}

// Policy is the Content-Security-Policy of a page: these scripts and nothing
// else, from nowhere else.
func Policy(scripts ...template.JS) string {
	var hashes []string
	for _, script := range scripts {
		hashes = append(hashes, "'"+sourceHash(string(script))+"'")
	}
	return fmt.Sprintf("default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; script-src %s; base-uri 'none'; form-action 'none'", strings.Join(hashes, " "))
}

// ScriptJSON is JSON that can stand inside a script element: the encoder
// escapes <, > and &.
func ScriptJSON(value any) (template.JS, error) {
	data, err := json.Marshal(value)
	return template.JS(data), err
}

// Colour is the n-th colour of charts; they begin again where they end.
func Colour(n int) string { return Tone(fmt.Sprintf("c%d", max(0, n)%markCount)) }
