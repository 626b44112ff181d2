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
// finding: failed if a finding fails it, skipped if it was not judged. What
// keeps the check as a whole from a verdict is a failure of its own, because a
// page without a red case is read as "nothing got slower".
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
	judged := map[key]bool{}
	for _, c := range r.Cells {
		judged[key{c.Workload, c.Runner}] = c.Verdict != Undecided
		place(c.Workload, c.Runner).Output = fmt.Sprintf("%s: %g to %g images/s, %s", c.Verdict, c.Old, c.New, c.size())
	}
	for _, f := range r.Findings {
		c := place(f.Workload, f.Runner)
		reason := &junit.Reason{Type: f.Kind, Message: f.Text}
		switch {
		case f.Fails && c.Failure == nil:
			c.Failure, c.Skipped = reason, nil
		case !judged[key{f.Workload, f.Runner}] && c.Failure == nil && c.Skipped == nil:
			c.Skipped = reason
		default:
			c.Output = strings.TrimSpace(c.Output + "\n" + f.Kind + ": " + f.Text)
		}
	}
	if r.Counts.Nothing != "" {
		suite.Cases = append(suite.Cases, junit.Case{Class: wholeCheck, Name: "cells judged", Failure: &junit.Reason{Type: "nothing_judged", Message: r.Counts.Nothing}})
	}
	for i, reason := range r.Incomplete {
		suite.Cases = append(suite.Cases, junit.Case{Class: wholeCheck, Name: fmt.Sprintf("incomplete %d", i+1), Failure: &junit.Reason{Type: "incomplete", Message: reason}})
	}
	return suite.Write(w)
}

// wholeCheck is the class of the cases that stand for no cell.
const wholeCheck = "dlbench.check"
