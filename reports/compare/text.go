package compare

import (
	"fmt"
	"io"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/ranking"
	"github.com/dlbench/dlbench/reports/table"
)

// Text prints the comparison for the terminal: the warnings above everything, the
// table, and what could not be compared.
func (c *Comparison) Text(w io.Writer, width int) error {
	var b strings.Builder
	fmt.Fprintf(&b, "old  %s\nnew  %s\n\n", c.Old.line(), c.New.line())
	for _, n := range c.Warnings {
		fmt.Fprintf(&b, "warning %s (%s): %s\n", n.Code, n.Scope, n.Text)
	}
	b.WriteString("\n")
	sheets := append([]ranking.Sheet{c.results()}, c.lists()...)
	for i, s := range sheets {
		if i > 0 {
			fmt.Fprintf(&b, "\n%s\n", s.Title)
		}
		t := table.New(s.Header...)
		for _, row := range s.Rows {
			t.Add(row...)
		}
		if t.Len() == 0 {
			b.WriteString("No cell is measured in both records.\n")
		} else if err := t.Write(&b, width); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (s Side) line() string {
	return fmt.Sprintf("%s: suite %s, %s on %s, profile %s, %d rounds", s.File, s.Suite, s.Created.Format(stamp), s.Host, s.Profile, s.Rounds)
}

// results are the compared cells and, last, the geometric mean of each mode.
func (c *Comparison) results() ranking.Sheet {
	s := ranking.Sheet{Header: []string{"workload", "runner", "old images/s", "interval", "new images/s", "interval", "new/old", "interval", "verdict", "warnings"}}
	for _, cell := range c.Cells {
		s.Rows = append(s.Rows, cell.row())
	}
	for _, m := range c.Means {
		s.Rows = append(s.Rows, m.row())
	}
	return s
}

func (m Mean) row() []string {
	return []string{"geometric mean, " + m.Mode, fmt.Sprintf("of %d", m.Cells), ranking.Figure(m.Old, 0), "", ranking.Figure(m.New, 0), "", ranking.Times(m.Ratio), "", "", ""}
}

func (c Cell) row() []string {
	return []string{c.Workload, c.Runner, c.Old.text(), c.Old.interval(), c.New.text(), c.New.interval(), ranking.Times(c.Ratio), c.interval(), c.words(), strings.Join(c.Warnings, ", ")}
}

// words are the verdict with its p-value, if there is one to rely on.
func (c Cell) words() string {
	if c.Level == 0 || c.Verdict == NotRanked || c.Verdict == OtherInputs {
		return c.Verdict
	}
	return fmt.Sprintf("%s, p=%.2g", c.Verdict, c.P)
}

func (c Cell) interval() string {
	return span(ranking.Ratio(c.CILow), ranking.Ratio(c.CIHigh), c.Level)
}

func (f Figure) text() string { return ranking.Figure(f.Median, (f.CIHigh-f.CILow)/2) }

func (f Figure) interval() string {
	half := (f.CIHigh - f.CILow) / 2
	return span(ranking.Figure(f.CILow, half), ranking.Figure(f.CIHigh, half), f.Level)
}

// span is an interval, or a range that is called one.
func span(low, high string, level float64) string {
	if level == 0 {
		return low + " – " + high + " (range)"
	}
	return low + " – " + high
}

// lists are the cells that are named and not compared, and what each mode comes
// to in either record; what has no rows is left out.
func (c *Comparison) lists() []ranking.Sheet {
	var sheets []ranking.Sheet
	for _, l := range []struct {
		title string
		cells []Listed
	}{{"Only in the old record", c.OnlyOld}, {"Only in the new record", c.OnlyNew}, {"In both, measured in neither", c.Neither}} {
		s := ranking.Sheet{Title: l.title, Header: []string{"workload", "runner", "status", "parity", "reason"}}
		for _, cell := range l.cells {
			s.Rows = append(s.Rows, []string{cell.Workload, cell.Runner, cell.Status, cell.Parity, cell.Reason})
		}
		if len(s.Rows) > 0 {
			sheets = append(sheets, s)
		}
	}
	if len(c.Differing) > 0 {
		sheets = append([]ranking.Sheet{c.differing()}, sheets...)
	}
	for _, side := range []struct {
		name string
		rows []record.Overall
	}{{"Old", c.OldOverall}, {"New", c.NewOverall}} {
		if s := ranking.Overall(side.rows); len(s.Rows) > 0 {
			s.Title = side.name + " record: " + s.Title
			sheets = append(sheets, s)
		}
	}
	return sheets
}

func (c *Comparison) differing() ranking.Sheet {
	s := ranking.Sheet{Title: "Other status or parity than before: not compared",
		Header: []string{"workload", "runner", "old status", "old parity", "new status", "new parity", "reasons"}}
	for _, d := range c.Differing {
		reasons := strings.Trim(d.Old.Reason+" → "+d.New.Reason, " ")
		if d.Old.Reason == d.New.Reason {
			reasons = d.New.Reason
		}
		s.Rows = append(s.Rows, []string{d.Workload, d.Runner, d.Old.Status, d.Old.Parity, d.New.Status, d.New.Parity, reasons})
	}
	return s
}
