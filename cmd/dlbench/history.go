package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports"
	"github.com/dlbench/dlbench/reports/history"
	"github.com/dlbench/dlbench/reports/table"
)

func (p *program) historyCommand() *cli.Command {
	sub := func(name, arguments, usage string, action func(*cli.Context, *history.Store) error) *cli.Command {
		return &cli.Command{Name: name, ArgsUsage: arguments, Usage: usage,
			Flags: []cli.Flag{&cli.StringFlag{Name: "dir", Usage: "`DIR` of the history"}, jsonFlag()},
			Action: func(c *cli.Context) error {
				s, err := p.history(c)
				if err != nil {
					return err
				}
				return historyError(action(c, s))
			}}
	}
	return &cli.Command{Name: "history", Usage: "keep results, and name baselines among them", Action: subcommandNeeded,
		Subcommands: []*cli.Command{
			sub("add", "RESULT…", "keep results", p.historyAdd),
			sub("list", "", "the kept results, oldest first", p.historyList),
			sub("show", "ID", "the table of a kept result", p.historyShow),
			sub("baseline", "NAME [RESULT]", "name a result as baseline, or tell which one is", p.historyBaseline),
			sub("reindex", "", "make the index anew from the files", func(_ *cli.Context, s *history.Store) error { return s.Reindex() }),
		}}
}

// history opens the one of --dir, or of the user.
func (p *program) history(c *cli.Context) (*history.Store, error) {
	dir := c.String("dir")
	if dir == "" {
		base := p.getenv("XDG_DATA_HOME")
		if base == "" {
			home := p.getenv("HOME")
			if home == "" {
				home = os.TempDir()
			}
			base = filepath.Join(home, ".local", "share")
		}
		dir = filepath.Join(base, "dlbench", "history")
	}
	s, err := history.Open(dir)
	if err != nil {
		return nil, lackingHere(err, "name a directory that can be written: --dir")
	}
	return s, nil
}

// historyError gives what the user asked for in vain its exit code.
func historyError(err error) error {
	var unknown *history.UnknownError
	var invalid *record.InvalidError
	if errors.As(err, &unknown) || errors.As(err, &invalid) || errors.Is(err, history.ErrName) {
		return usage(err)
	}
	return err
}

func (p *program) historyAdd(c *cli.Context, s *history.Store) error {
	if c.NArg() == 0 {
		return usage(errors.New("history add: name at least one result.json"))
	}
	added := []string{}
	for _, path := range c.Args().Slice() {
		r, err := record.Read(path)
		if err != nil {
			return usage(err)
		}
		id, err := s.Add(r)
		if err != nil {
			return err
		}
		added = append(added, id)
	}
	if c.Bool("json") {
		return p.printJSON(added)
	}
	for _, id := range added {
		fmt.Fprintln(p.stdout, id)
	}
	return nil
}

func (p *program) historyList(c *cli.Context, s *history.Store) error {
	entries, err := s.List()
	if err != nil {
		return err
	}
	t := table.New("id", "suite", "host", "cpu", "status", "measured", "cells")
	for _, e := range entries {
		if e.Broken != "" {
			fmt.Fprintln(p.stderr, "history: "+e.Broken)
			e.Status = "broken"
		}
		t.Add(e.ID, e.Suite, e.Host, e.CPU, e.Status, fmt.Sprint(e.Measured), fmt.Sprint(e.Cells))
	}
	return p.print(c, entries, t)
}

func (p *program) historyShow(c *cli.Context, s *history.Store) error {
	if c.NArg() != 1 {
		return usage(fmt.Errorf("history show: name one record; got %d", c.NArg()))
	}
	r, err := s.Read(c.Args().First())
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return p.printJSON(r)
	}
	return reports.Table(p.stdout, r, p.width)
}

// historyBaseline names a file or a kept record as baseline; a file is kept
// first.
func (p *program) historyBaseline(c *cli.Context, s *history.Store) error {
	name, result := c.Args().Get(0), c.Args().Get(1)
	if c.NArg() < 1 || c.NArg() > 2 {
		return usage(fmt.Errorf("history baseline: give a name, and a result to set it; got %d arguments", c.NArg()))
	}
	if result != "" {
		id := result
		if _, err := os.Stat(result); err == nil {
			r, err := record.Read(result)
			if err != nil {
				return usage(err)
			}
			if id, err = s.Add(r); err != nil {
				return err
			}
		}
		if err := s.SetBaseline(name, id); err != nil {
			return err
		}
	}
	id, err := s.Baseline(name)
	if err != nil {
		return err
	}
	return p.print1(c, id)
}

// print1 answers with one name.
func (p *program) print1(c *cli.Context, id string) error {
	if c.Bool("json") {
		return p.printJSON(id)
	}
	_, err := fmt.Fprintln(p.stdout, id)
	return err
}
