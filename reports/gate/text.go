package gate

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/compare"
	"github.com/dlbench/dlbench/reports/markdown"
	"github.com/dlbench/dlbench/reports/ranking"
)

// Text prints the check for the terminal: the verdict first.
func (r *Report) Text(w io.Writer, width int) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", r.Headline())
	for _, side := range r.sides() {
		fmt.Fprintf(&b, "%-9s %s\n", side.Name, side.Text)
	}
	for _, s := range r.sheets() {
		fmt.Fprintf(&b, "\n%s\n", s.Title)
		if err := s.Table().Write(&b, width); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// Headline is the answer in one line: what got slower, or else what is wrong.
func (r *Report) Headline() string {
	var slower, failing, suspects []string
	for _, f := range r.Findings {
		name := f.Runner + " on " + f.Workload
		switch {
		case f.Kind == Slower:
			slower = append(slower, fmt.Sprintf("%s (%s)", name, r.change(f)))
		case f.Kind == Suspicious:
			suspects = append(suspects, fmt.Sprintf("%s (%s)", name, r.change(f)))
		case f.Fails:
			failing = append(failing, fmt.Sprintf("%s (%s)", name, f.Kind))
		}
	}
	judged := r.Counts.words()
	if len(suspects) > 0 {
		judged += "; SUSPICIOUSLY FASTER: " + some(suspects)
	}
	switch {
	case len(slower) > 0:
		return fmt.Sprintf("SLOWER: %s; %s", some(append(slower, failing...)), judged)
	case len(failing) > 0:
		return fmt.Sprintf("WORSE: %s; nothing is slower, %s", some(failing), judged)
	case r.Counts.Nothing != "":
		return fmt.Sprintf("NOTHING JUDGED: %s; %s", r.Counts.Nothing, judged)
	case len(r.Incomplete) > 0:
		return fmt.Sprintf("UNDECIDED: %s; nothing else got slower, %s", some(r.Incomplete), judged)
	}
	return "nothing got slower, " + judged
}

// words are the counts in the headline.
func (j Judged) words() string {
	if j.Undecided > 0 {
		return fmt.Sprintf("cells judged: %d, undecided: %d", j.Judged, j.Undecided)
	}
	return fmt.Sprintf("cells judged: %d", j.Judged)
}

// change is by how much the cell of a finding changed.
func (r *Report) change(f Finding) string {
	for _, c := range r.Cells {
		if c.Workload == f.Workload && c.Runner == f.Runner {
			return fmt.Sprintf("%+.1f %%", 100*(c.Ratio-1))
		}
	}
	return f.Kind
}

// some are the first few, and how many more there are.
func some(all []string) string { return ranking.Some(all, 3) }

// sides say what was held against what, how, and how sure that can be.
func (r *Report) sides() []markdown.Item {
	items := []markdown.Item{{Name: "result", Text: sideLine(r.Result)}}
	if r.Baseline != nil {
		items = append(items, markdown.Item{Name: "baseline", Text: sideLine(*r.Baseline)})
	}
	for _, weak := range r.BaselineWeak {
		items = append(items, markdown.Item{Name: "caution", Text: "the baseline is a poor one: " + weak})
	}
	items = append(items, markdown.Item{Name: "method", Text: r.Rule.words(r.Mode)})
	if r.Weaker != "" {
		items = append(items, markdown.Item{Name: "weaker", Text: r.Weaker})
	}
	for _, left := range r.LeftOut {
		items = append(items, markdown.Item{Name: "left out", Text: left})
	}
	if r.Next != "" {
		items = append(items, markdown.Item{Name: "next", Text: r.Next})
	}
	return items
}

func sideLine(s compare.Side) string {
	return fmt.Sprintf("%s: suite %s, %s on %s", s.File, s.Suite, s.Created.Format("2006-01-02 15:04 MST"), s.Host)
}

// words are the rule as a sentence.
func (r Rule) words(mode string) string {
	change := fmt.Sprintf("%.2g %%", 100*r.Change)
	for _, name := range slices.Sorted(maps.Keys(r.Changes)) {
		change += fmt.Sprintf(", %s %.2g %%", name, 100*r.Changes[name])
	}
	switch mode {
	case ByRerun:
		return fmt.Sprintf("both sides measured again, interleaved: slower in %d pairs (p ≤ %g, by %s or more), and again in %d fresh pairs", r.Pairs, r.P, change, r.Pairs)
	case ByRecord:
		return fmt.Sprintf("stored records: the nights of the baseline against tonight and the nights before it, in units of how much nights differ; at most %g %% of nights with a false alarm, %s or more", 100*r.P, change)
	}
	return fmt.Sprintf("the nights of the history: the last 1 to %d against those before, in units of how much nights differ; at most %g %% of nights with a false alarm, %s or more", summary.Settled(), 100*r.P, change)
}

// sheets are the tables of every view; those without rows are left out.
func (r *Report) sheets() []ranking.Sheet {
	findings := ranking.Sheet{Title: "Findings", Header: []string{"fails", "finding", "workload", "runner", "how much, how sure"}}
	for _, f := range r.Findings {
		mark := ""
		if f.Fails {
			mark = "yes"
		}
		findings.Rows = append(findings.Rows, []string{mark, f.Kind, f.Workload, f.Runner, f.Text})
	}
	cells := ranking.Sheet{Title: "Cells", Header: []string{"workload", "runner", "old images/s", "new images/s", "new/old", "interval", "verdict", "by", "p", "warnings"}}
	for _, c := range r.Cells {
		cells.Rows = append(cells.Rows, c.row())
	}
	differences := ranking.Sheet{Title: "What differs", Header: []string{"code", "scope", "from → to"}}
	for _, n := range r.Differences {
		differences.Rows = append(differences.Rows, []string{n.Code, string(n.Scope), n.Text})
	}
	var sheets []ranking.Sheet
	for _, s := range []ranking.Sheet{findings, differences, cells} {
		if len(s.Rows) > 0 {
			sheets = append(sheets, s)
		}
	}
	return sheets
}

func (c Cell) row() []string {
	interval := "–"
	if c.Level > 0 {
		interval = fmt.Sprintf("%.3f – %.3f", c.CILow, c.CIHigh)
	}
	var ps []string
	for _, t := range c.Stages {
		ps = append(ps, fmt.Sprintf("%.2g", t.P))
	}
	return []string{c.Workload, c.Runner, ranking.Figure(c.Old, 0), ranking.Figure(c.New, 0), fmt.Sprintf("%.3f", c.Ratio), interval, c.Verdict, c.Method,
		strings.Join(ps, ", "), strings.Join(c.Warnings, ", ")}
}
