// Package reports tells what a record holds: on the terminal, in Markdown and
// in HTML. Records are the only input of every report.
package reports

import (
	"fmt"
	"io"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/ranking"
	"github.com/dlbench/dlbench/reports/table"
)

// Table prints a record for the terminal: one table a workload, fastest first,
// and what has to be said about the figures below.
func Table(w io.Writer, rec *record.Record, width int) error {
	p := &printer{w: w}
	p.printf("%s on %s, %s on CPUs %s, %s, profile %s\n", rec.Suite, rec.Environment.CPU, rec.ThreadsText(), rec.Terms.CPUs, rec.Terms.Device, rec.Profile)
	for _, workload := range rec.Workloads {
		p.printf("\n%s\n", workload.ID)
		p.indented(ranking.Ranked(workload.ID, ranking.IntervalName(rec), ranking.Rows(rec, workload.ID)), width)
		for _, sheet := range ranking.Sheets(rec, workload.ID) {
			p.sheet(sheet, width)
		}
	}
	for i, line := range ranking.Peaks(rec) {
		if i == 0 {
			p.printf("\n")
		}
		p.printf("%s\n", line)
	}
	if overall := ranking.Overall(rec.Overall); len(overall.Rows) > 0 {
		p.sheet(overall, width)
	}
	if len(rec.Warnings) > 0 {
		p.printf("\n")
	}
	p.warnings(rec.Warnings)
	if rec.Status != record.Complete {
		p.printf("\nThis record is %s: %d rounds are in it.\n", rec.Status, rec.Rounds)
	}
	return p.err
}

// fewWarnings of one code are printed each; of more, one line tells, because
// their codes stand beside the figures and their texts in the other reports.
const fewWarnings = 2

func (p *printer) warnings(all []record.Warning) {
	count := map[string]int{}
	for _, w := range all {
		count[w.Code]++
	}
	told := map[string]bool{}
	for _, w := range all {
		switch n := count[w.Code]; {
		case n <= fewWarnings:
			p.printf("warning %s (%s): %s\n", w.Code, w.Scope, w.Text)
		case !told[w.Code]:
			p.printf("warning %s, %d times, like (%s): %s\n", w.Code, n, w.Scope, w.Text)
		}
		told[w.Code] = true
	}
}

func (p *printer) table(t *table.Table, width int) {
	if p.err == nil {
		p.err = t.Write(p.w, width)
	}
}

func (p *printer) sheet(s ranking.Sheet, width int) {
	p.printf("\n  %s\n", s.Title)
	p.indented(s, width)
}

// indented prints a sheet's table below its title.
func (p *printer) indented(s ranking.Sheet, width int) {
	in := func(cells []string) []string { return append([]string{"  " + cells[0]}, cells[1:]...) }
	t := table.New(in(s.Header)...)
	for _, row := range s.Rows {
		t.Add(in(row)...)
	}
	p.table(t, width)
}

// printer keeps the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}
