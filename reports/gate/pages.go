package gate

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"strings"

	"github.com/dlbench/dlbench/reports/html"
	"github.com/dlbench/dlbench/reports/junit"
	"github.com/dlbench/dlbench/reports/markdown"
	"github.com/dlbench/dlbench/reports/ranking"
)

//go:embed assets/check.html.tmpl
var assets embed.FS

// HTML writes the check as one self-contained page without a script.
func (r *Report) HTML(w io.Writer) error {
	parts, err := html.PageParts()
	if err != nil {
		return err
	}
	t, err := template.ParseFS(assets, "assets/check.html.tmpl")
	if err != nil {
		return fmt.Errorf("read the template of checks: %w", err)
	}
	return t.Execute(w, struct {
		Style    template.CSS
		Headline string
		Sides    []markdown.Item
		Sheets   []ranking.Sheet
	}{parts.Style, r.Headline(), r.sides(), r.sheets()})
}

// Markdown writes the check for pages that render Markdown.
func (r *Report) Markdown(w io.Writer) error {
	p := markdown.New(w)
	p.Heading(1, "dlbench check: "+r.Headline())
	p.List(r.sides()...)
	for _, s := range r.sheets() {
		p.Heading(2, s.Title)
		p.Table(s.Header, s.Rows)
	}
	return p.Err()
}

// JUnit writes a test case for each cell that was judged and each that is in a
// finding: failed where a finding fails it, skipped where it is undecided.
func (r *Report) JUnit(w io.Writer) error {
	suite := junit.Suite{Name: "dlbench check " + r.Result.Suite, Time: r.Result.Created, Host: r.Result.Host}
	type key struct{ workload, runner string }
	at := map[key]int{}
	place := func(workload, runner string) *junit.Case {
		k := key{workload, runner}
		if _, ok := at[k]; !ok {
			at[k] = len(suite.Cases)
			suite.Cases = append(suite.Cases, junit.Case{Class: workload, Name: runner})
		}
		return &suite.Cases[at[k]]
	}
	for _, c := range r.Cells {
		place(c.Workload, c.Runner).Output = fmt.Sprintf("%s: %g to %g images/s, %s", c.Verdict, c.Old, c.New, c.size())
	}
	for _, f := range r.Findings {
		c := place(f.Workload, f.Runner)
		reason := &junit.Reason{Type: f.Kind, Message: f.Text}
		switch {
		case f.Fails && c.Failure == nil:
			c.Failure, c.Skipped = reason, nil
		case f.Kind == Undecided && c.Failure == nil:
			c.Skipped = reason
		default:
			c.Output = strings.TrimSpace(c.Output + "\n" + f.Kind + ": " + f.Text)
		}
	}
	return suite.Write(w)
}
