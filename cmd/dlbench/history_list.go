package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/reports/history"
	"github.com/dlbench/dlbench/reports/table"
)

func historyFilters() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "suite", Usage: "only records of this suite"},
		&cli.StringFlag{Name: "workload", Usage: "only records with this workload's `ID`"},
		&cli.StringFlag{Name: "runner", Usage: "only records with this runner's `NAME`"},
		&cli.StringFlag{Name: "host", Usage: "only records of this machine, by its host's `NAME` or the one that it was given"},
		&cli.StringFlag{Name: "branch", Usage: "only records of this branch"},
		&cli.StringFlag{Name: "since", Usage: "only records of this `TIME` or later: a date, an RFC 3339 time, or an age like 36h or 30d"},
	}
}

func (p *program) historyList(c *cli.Context, h *history.History) error {
	if err := argumentsBetween(c, 0, 0); err != nil {
		return err
	}
	f := history.Filter{Suite: c.String("suite"), Workload: c.String("workload"), Runner: c.String("runner"), Host: c.String("host"), Branch: c.String("branch")}
	if text := c.String("since"); text != "" {
		var err error
		if f.Since, err = since(text, p.now()); err != nil {
			return usage(err)
		}
	}
	entries, err := h.List(c.Context, f)
	if err != nil {
		return err
	}
	problems, err := h.Problems(c.Context)
	if err != nil {
		return err
	}
	for _, problem := range problems {
		fmt.Fprintf(p.stderr, "dlbench: left out of the history: %s\n", told(problem))
	}
	if c.Bool("json") {
		return p.printJSON(entries)
	}
	return entryTable(entries).Write(p.stdout, p.width)
}

func entryTable(entries []history.Entry) *table.Table {
	t := table.New("id", "time", "suite", "host", "machine", "branch", "CPU", "status", "baseline", "versions")
	for _, e := range entries {
		t.Add(e.ID, e.Created.Format("2006-01-02 15:04 MST"), e.Suite, e.Host, e.Machine, e.Branch, e.CPU, e.Status, strings.Join(e.Baselines, ", "), versionsOf(e))
	}
	return t
}

func versionsOf(e history.Entry) string {
	var parts []string
	for runner, version := range e.Versions {
		parts = append(parts, strings.TrimSpace(runner+" "+version))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// since reads a time, or an age before now.
func since(text string, now time.Time) (time.Time, error) {
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 {
			return now.AddDate(0, 0, -n), nil
		}
	}
	if age, err := time.ParseDuration(text); err == nil && age >= 0 {
		return now.Add(-age), nil
	}
	return time.Time{}, fmt.Errorf("--since %q: expected a date like 2026-01-31, an RFC 3339 time, or an age like 36h or 30d", text)
}
