package main

import (
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/reports/history"
)

func (p *program) historyCommand() *cli.Command {
	sub := func(name, arguments, usage string, action func(*cli.Context, *history.History) error, flags ...cli.Flag) *cli.Command {
		flags = append(flags, &cli.StringFlag{Name: "dir", Usage: "`DIR` of the history (default: $XDG_DATA_HOME/dlbench/history or ~/.local/share/dlbench/history)"})
		return &cli.Command{Name: name, ArgsUsage: arguments, Usage: usage, Flags: flags, Action: p.onHistory(action)}
	}
	return &cli.Command{
		Name:   "history",
		Usage:  "keep results, list them, and see what changed over time",
		Action: subcommandNeeded,
		Subcommands: []*cli.Command{
			sub("add", "RESULT…", "copy results into the history", p.historyAdd, append(lineFlags(), jsonFlag())...),
			sub("list", " ", "list the records, newest first", p.historyList, append(historyFilters(), jsonFlag())...),
			sub("show", "ID", "print a record as run printed it", p.historyShow, jsonFlag()),
			sub("trend", "WORKLOAD RUNNER", "draw a figure over time, with its change points", p.historyTrend, append(trendFlags(), jsonFlag())...),
			sub("baseline", "[NAME [ID…]]", "name a record or several nights, print a named one, or list the names", p.historyBaseline,
				&cli.BoolFlag{Name: "drop", Usage: "take the name away; the record stays"}, jsonFlag()),
			sub("reindex", " ", "make the index anew from the records", p.historyReindex),
		},
	}
}

// onHistory opens the history of the command line for a command.
func (p *program) onHistory(action func(*cli.Context, *history.History) error) cli.ActionFunc {
	return func(c *cli.Context) error {
		h, err := p.historyAt(c.String("dir"))
		if err != nil {
			return err
		}
		return historyFailure(action(c, h))
	}
}

// historyAt is the history in a directory, or in the usual one.
func (p *program) historyAt(dir string) (*history.History, error) {
	if dir == "" {
		var err error
		if dir, err = p.dataDir("history"); err != nil {
			return nil, err
		}
	}
	return history.At(dir)
}

// dataDir is where dlbench keeps what has to last.
func (p *program) dataDir(name string) (string, error) {
	base := p.getenv("XDG_DATA_HOME")
	if base == "" {
		home := p.getenv("HOME")
		if home == "" {
			return "", usage(fmt.Errorf("%s: neither XDG_DATA_HOME nor HOME says where it is: give its directory", name))
		}
		base = filepath.Join(home, ".local", "share")
	}
	return filepath.Join(base, "dlbench", name), nil
}

// historyFailure gives errors of what was asked for their exit code.
func historyFailure(err error) error {
	if history.Unusable(err) {
		return usage(err)
	}
	return err
}

// argumentsBetween refuses another number of arguments.
func argumentsBetween(c *cli.Context, least, most int) error {
	switch {
	case c.NArg() < least:
		return usage(fmt.Errorf("history %s: expected %s", c.Command.Name, c.Command.ArgsUsage))
	case c.NArg() > most:
		return usage(fmt.Errorf("history %s: unexpected argument %q", c.Command.Name, c.Args().Get(most)))
	}
	return nil
}
