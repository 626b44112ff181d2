package nights

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"path/filepath"
	"strings"

	"github.com/dlbench/dlbench/reports/html"
	"github.com/dlbench/dlbench/reports/ranking"
)

//go:embed assets/nights.html.tmpl assets/parts.html.tmpl
var assets embed.FS

// Page writes the list of nights as a page that links their files below
// nights/; trends says whether trends.html lies beside it.
func Page(w io.Writer, all []Night, trends bool) error {
	return render(w, "nights", func(style template.CSS) any {
		return struct {
			Style  template.CSS
			Nights []Night
			Trends bool
		}{style, all, trends}
	})
}

// partsPage writes the list of a night's parts as a page that links their files.
func partsPage(w io.Writer, n Night) error {
	return render(w, "parts", func(style template.CSS) any {
		return struct {
			Style template.CSS
			Night
		}{style, n}
	})
}

// render executes one of the templates.
func render(w io.Writer, name string, data func(template.CSS) any) error {
	parts, err := html.PageParts()
	if err != nil {
		return err
	}
	t, err := template.ParseFS(assets, "assets/"+name+".html.tmpl")
	if err != nil {
		return fmt.Errorf("read the template of %s: %w", name, err)
	}
	return t.Execute(w, data(parts.Style))
}

// Mark says how a night went.
func (n Night) Mark() string { return mark(n.Exit) }

// Mark says how a part went.
func (o Outcome) Mark() string { return mark(o.Exit) }

func mark(exit int) string {
	switch exit {
	case 0:
		return "good"
	case exitRegressed:
		return "slower"
	}
	return "failed"
}

// Kept is the record's ID in the history, or how many there are.
func (n Night) Kept() string {
	kept := 0
	for _, o := range n.Parts {
		if o.Record != "" {
			kept++
		}
	}
	if kept > 0 {
		return ranking.Count(kept, "record")
	}
	return n.Record
}

// Label is a file's name as a link says it.
func (n Night) Label(file string) string { return label(file) }

// Label is a file's name as a link says it.
func (o Outcome) Label(file string) string { return label(file) }

func label(file string) string {
	name := strings.TrimSuffix(file, filepath.Ext(file))
	if name == "night" {
		return "log"
	}
	return name
}
