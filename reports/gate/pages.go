package gate

import (
	"fmt"
	"io"
	"strings"

	"github.com/dlbench/dlbench/reports/junit"
	"github.com/dlbench/dlbench/reports/markdown"
)

// Markdown writes the check for pages that render Markdown.
func (r *Report) Markdown(w io.Writer) error {
	p := markdown.New(w)
	p.Heading(1, "dlbench check: "+r.Headline())
	var sides []markdown.Item
	for _, line := range r.sides() {
		name, text, _ := strings.Cut(line, " ")
		sides = append(sides, markdown.Item{Name: name, Text: strings.TrimSpace(text)})
	}
	p.List(sides...)
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
