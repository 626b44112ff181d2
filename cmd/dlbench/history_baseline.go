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
	if err := argumentsBetween(c, 0, 2); err != nil {
		return err
	}
	name, id := c.Args().Get(0), c.Args().Get(1)
	switch {
	case c.Bool("drop"):
		if c.NArg() != 1 {
			return usage(fmt.Errorf("history baseline --drop: expected NAME alone"))
		}
		return h.DropBaseline(c.Context, name)
	case c.NArg() == 0:
		return p.listBaselines(c.Context, h, c.Bool("json"))
	case c.NArg() == 1:
		e, err := h.Baseline(c.Context, name)
		if err != nil {
			return err
		}
		return p.showEntry(h, e, c.Bool("json"))
	}
	e, err := h.SetBaseline(c.Context, name, id)
	if err != nil {
		return err
	}
	rec, _, err := h.Read(e)
	if err != nil {
		return err
	}
	for _, weak := range gate.Weaknesses(rec) {
		fmt.Fprintf(p.stderr, "dlbench: %s is a poor baseline: %s\n", e.ID, weak)
	}
	if c.Bool("json") {
		return p.printJSON(history.Baseline{Name: name, ID: e.ID, Entry: &e})
	}
	_, err = fmt.Fprintf(p.stdout, "%s  %s\n", name, e.ID)
	return err
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
