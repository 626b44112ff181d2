package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/reports"
	"github.com/dlbench/dlbench/reports/history"
)

func (p *program) historyAdd(c *cli.Context, h *history.History) error {
	if c.NArg() == 0 {
		return usage(errors.New("history add: name at least one result.json"))
	}
	label := history.Label{Machine: c.String("machine"), Branch: c.String("branch")}
	if err := label.Valid(); err != nil {
		return err
	}
	added, err := h.Add(c.Context, c.Args().Slice()...)
	if err != nil {
		return err
	}
	var ids []string
	for _, a := range added {
		ids = append(ids, a.ID)
	}
	if err := h.Label(c.Context, label, ids...); err != nil {
		return err
	}
	if c.Bool("json") {
		return p.printJSON(added)
	}
	for _, a := range added {
		word := "added"
		if !a.New {
			word = "there already"
		}
		if _, err := fmt.Fprintf(p.stdout, "%s  %s  %s\n", a.ID, word, a.Path); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) historyShow(c *cli.Context, h *history.History) error {
	if err := argumentsBetween(c, 1, 1); err != nil {
		return err
	}
	e, err := h.Find(c.Context, c.Args().First())
	if err != nil {
		return err
	}
	return p.showEntry(h, e, c.Bool("json"))
}

// showEntry prints a record as run did; as JSON, the very bytes that are kept.
func (p *program) showEntry(h *history.History, e history.Entry, asJSON bool) error {
	rec, data, err := h.Read(e)
	if err != nil {
		return err
	}
	if asJSON {
		_, err := p.stdout.Write(data)
		return err
	}
	if err := reports.Table(p.stdout, rec, p.width); err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.stdout, "\nrecord  %s  %s\n", e.ID, e.File)
	return err
}

func (p *program) historyReindex(c *cli.Context, h *history.History) error {
	if err := argumentsBetween(c, 0, 0); err != nil {
		return err
	}
	n, problems, err := h.Reindex(c.Context)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(p.stdout, "%d records\n", n); err != nil {
		return err
	}
	if len(problems) > 0 {
		return usage(fmt.Errorf("history reindex: files that are no records: %d, the first is %s", len(problems), told(problems[0])))
	}
	return nil
}

// told is a problem in one line that names the file once.
func told(problem history.Problem) string {
	if strings.HasPrefix(problem.Text, problem.File) {
		return problem.Text
	}
	return problem.File + ": " + problem.Text
}
