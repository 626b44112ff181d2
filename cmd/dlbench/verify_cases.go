package main

import (
	"errors"
	"fmt"

	"github.com/dlbench/dlbench/reports/table"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/parity"
)

// printCases prints a table of cases by runners, and the refusals below it.
func (p *program) printCases(rows []bench.Verified) error {
	var runners []string
	results := map[string]map[string]parity.CaseResult{}
	header, order := []string{"operator case"}, []string{}
	for _, row := range rows {
		if results[row.Runner] != nil || len(row.Cases) == 0 {
			continue
		}
		runners, header = append(runners, row.Runner), append(header, row.Runner)
		results[row.Runner] = map[string]parity.CaseResult{}
		order = order[:0]
		for _, c := range row.Cases {
			results[row.Runner][c.Name] = c
			order = append(order, c.Name)
		}
	}
	t := table.New(header...)
	reasons := table.New("runner", "operator case", "not passed because")
	for _, name := range order {
		cells := []string{name}
		for _, runner := range runners {
			word, reason := caseWord(results[runner][name])
			cells = append(cells, word)
			if reason != "" {
				reasons.Add(runner, name, reason)
			}
		}
		t.Add(cells...)
	}
	err := t.Write(p.stdout, p.width)
	if reasons.Len() > 0 {
		_, newline := fmt.Fprintln(p.stdout)
		err = errors.Join(err, newline, reasons.Write(p.stdout, p.width))
	}
	return err
}

// caseWord is a case in a table: its deviation if it passed, and why not if it
// did not.
func caseWord(c parity.CaseResult) (word, reason string) {
	switch {
	case c.Unsupported != "":
		return "unsupported", c.Unsupported
	case c.Check.Value > c.Check.Tolerance:
		return "FAILED", fmt.Sprintf("%s is off by %.2g, tolerance %.2g", c.Check.Tensor, c.Check.Value, c.Check.Tolerance)
	default:
		return fmt.Sprintf("%.0e", c.Check.Value), ""
	}
}
