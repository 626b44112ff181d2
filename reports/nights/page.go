package nights

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"path/filepath"
	"strings"

	"github.com/dlbench/dlbench/reports/html"
)

//go:embed assets/nights.html.tmpl
var assets embed.FS

// Page writes the list of nights as a page that links their files below
// nights/; trends says whether trends.html lies beside it.
func Page(w io.Writer, all []Night, trends bool) error {
	parts, err := html.PageParts()
	if err != nil {
		return err
	}
	t, err := template.ParseFS(assets, "assets/nights.html.tmpl")
	if err != nil {
		return fmt.Errorf("read the template of nights: %w", err)
	}
	return t.Execute(w, struct {
		Style  template.CSS
		Nights []Night
		Trends bool
	}{parts.Style, all, trends})
}

// Mark says how a night went.
func (n Night) Mark() string {
	switch n.Exit {
	case 0:
		return "good"
	case 3:
		return "slower"
	}
	return "failed"
}

// Label is a file's name as a link says it.
func (n Night) Label(file string) string {
	name := strings.TrimSuffix(file, filepath.Ext(file))
	if name == "night" {
		return "log"
	}
	return name
}
