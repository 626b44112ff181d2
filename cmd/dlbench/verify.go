package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/table"
	"github.com/dlbench/dlbench/runners/parity"
)

func (p *program) verifyCommand() *cli.Command {
	return &cli.Command{
		Name:  "verify",
		Usage: "check that runners compute what the reference computes, and measure nothing",
		Flags: append(append(selectionFlags(), termFlags()...),
			&cli.BoolFlag{Name: "all-checks", Usage: "print every check, not the closest one of each layer"},
			&cli.BoolFlag{Name: "protocol", Usage: "check how runners speak instead of what they compute"},
			&cli.BoolFlag{Name: "cases", Usage: "print every operator case, also those that no workload here needs"}, jsonFlag()),
		Action: p.doVerify,
	}
}

// verified is one row of verify's answer.
type verified struct {
	Workload string              `json:"workload"`
	Runner   string              `json:"runner"`
	Parity   record.Parity       `json:"parity"`
	Cases    []parity.CaseResult `json:"cases,omitempty"`
}

func (p *program) doVerify(c *cli.Context) (err error) {
	ctx := c.Context
	b, err := p.newBench(ctx, c, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close(ctx)) }()
	if c.Bool("protocol") {
		return p.verifyProtocol(ctx, b, c.Bool("json"))
	}
	if err := b.newJudge(p.machine(ctx).CPU, c.Bool("cases")); err != nil {
		return err
	}
	rows, err := b.verifyAll(ctx)
	if err != nil {
		return err
	}
	b.progress.end()
	if !c.Bool("cases") {
		for i := range rows {
			rows[i].Cases = nil
		}
	}
	switch {
	case c.Bool("json"):
		err = p.printJSON(rows)
	case c.Bool("cases"):
		err = p.printCases(rows)
	default:
		err = verifyTable(rows, c.Bool("all-checks")).Write(p.stdout, p.width)
	}
	if err != nil {
		return err
	}
	return b.verifyOutcome(rows)
}

func (b *bench) verifyAll(ctx context.Context) ([]verified, error) {
	runners := b.selection.runners
	rows := make([]verified, len(b.selection.workloads)*len(runners))
	var done atomic.Int64
	err := b.byRunner(ctx, len(rows), func(i int) string { return runners[i%len(runners)].Name }, func(ctx context.Context, i int) error {
		id, name := b.selection.workloads[i/len(runners)], runners[i%len(runners)].Name
		b.progress.step(fmt.Sprintf("verify %s on %s", id, name), float64(done.Add(1)-1)/float64(len(rows)), 0)
		verdict, err := b.verify(ctx, name, id)
		if err != nil {
			return err
		}
		rows[i] = verified{Workload: id.String(), Runner: name, Parity: verdict.Parity, Cases: verdict.Cases}
		return nil
	})
	return rows, err
}

func verifyTable(rows []verified, all bool) *table.Table {
	t := table.New("workload", "runner", "parity", "layer", "check", "deviation", "tolerance", "tensor")
	for _, row := range rows {
		checks := row.Parity.Checks
		if !all {
			checks = closest(checks)
		}
		if len(checks) == 0 {
			t.Add(row.Workload, row.Runner, row.Parity.Status, "", "", "", "", row.Parity.Reason)
		}
		for _, check := range checks {
			t.Add(row.Workload, row.Runner, row.Parity.Status, check.Layer, check.Name,
				fmt.Sprintf("%.2g", check.Value), fmt.Sprintf("%.2g", check.Tolerance), check.Tensor)
		}
	}
	return t
}

// printCases prints a table of cases by runners, and the refusals below it.
func (p *program) printCases(rows []verified) error {
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

// caseWord is a case in a table: its deviation where it passed, and why not
// where it did not.
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

// closest keeps of each layer the check that is nearest to its tolerance.
func closest(checks []record.Check) []record.Check {
	var out []record.Check
	at := map[string]int{}
	for _, c := range checks {
		i, seen := at[c.Layer]
		switch {
		case !seen:
			at[c.Layer] = len(out)
			out = append(out, c)
		case c.Value/c.Tolerance > out[i].Value/out[i].Tolerance:
			out[i] = c
		}
	}
	return out
}

func (b *bench) verifyOutcome(rows []verified) error {
	var bad []string
	judged := 0
	for _, row := range rows {
		if row.Parity.Status != record.ParityUnsupported {
			judged++
		}
		if row.Parity.Status == record.ParityFailed || row.Parity.Status == record.ParityError {
			bad = append(bad, fmt.Sprintf("%s on %s (%s)", row.Workload, row.Runner, row.Parity.Reason))
		}
	}
	if len(bad) > 0 {
		return failed("%d of %d cells did not pass parity: %s", len(bad), len(rows), strings.Join(bad, "; "))
	}
	if judged == 0 && len(rows) > 0 {
		return lackingHere(fmt.Errorf("nothing could be judged: all %d cells are unsupported; %s on %s: %s", len(rows), rows[0].Workload, rows[0].Runner, rows[0].Parity.Reason), b.unfitHint())
	}
	return nil
}
