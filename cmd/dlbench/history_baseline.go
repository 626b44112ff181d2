package main

import (
	"context"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/reports/gate"
	"github.com/dlbench/dlbench/reports/history"
	"github.com/dlbench/dlbench/reports/table"
)

func (p *program) historyBaseline(c *cli.Context, h *history.History) error {
	name := c.Args().First()
	switch {
	case c.Bool("drop"):
		if c.NArg() != 1 {
			return usage(fmt.Errorf("history baseline --drop: expected only NAME"))
		}
		return h.DropBaseline(c.Context, name)
	case c.NArg() == 0:
		return p.listBaselines(c.Context, h, c.Bool("json"))
	case c.NArg() == 1:
		nights, err := h.Baseline(c.Context, name)
		if err != nil {
			return err
		}
		return p.showEntry(h, nights[0], c.Bool("json"))
	}
	return p.nameBaseline(c.Context, h, c.Bool("json"), name, c.Args().Tail())
}

// nameBaseline names records, and warns of those that make a poor baseline.
func (p *program) nameBaseline(ctx context.Context, h *history.History, asJSON bool, name string, ids []string) error {
	nights, err := h.SetBaseline(ctx, name, ids...)
	if err != nil {
		return err
	}
	named := []history.Baseline{}
	for i := range nights {
		named = append(named, history.Baseline{Name: name, ID: nights[i].ID, Entry: &nights[i]})
		rec, _, err := h.Read(nights[i])
		if err != nil {
			return err
		}
		for _, weak := range gate.Weaknesses(rec) {
			fmt.Fprintf(p.stderr, "dlbench: %s is a poor baseline: %s\n", nights[i].ID, weak)
		}
	}
	if asJSON && len(named) == 1 {
		return p.printJSON(named[0])
	}
	if asJSON {
		return p.printJSON(named)
	}
	for _, b := range named {
		if _, err = fmt.Fprintf(p.stdout, "%s  %s\n", name, b.ID); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) listBaselines(ctx context.Context, h *history.History, asJSON bool) error {
	all, err := h.Baselines(ctx)
	if err != nil {
		return err
	}
	t := table.New("name", "id", "time", "suite", "host", "status")
	for _, b := range all {
		if b.Entry == nil {
			t.Add(b.Name, b.ID, "", "", "", "the record is gone")
			continue
		}
		t.Add(b.Name, b.ID, b.Entry.Created.Format("2006-01-02 15:04 MST"), b.Entry.Suite, b.Entry.Host, b.Entry.Status)
	}
	return p.print(asJSON, all, t)
}
