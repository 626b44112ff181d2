package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/device"
)

func (p *program) listCommand() *cli.Command {
	sub := func(name, usage string, action cli.ActionFunc, flags ...cli.Flag) *cli.Command {
		return &cli.Command{Name: name, Usage: usage, Action: action, Before: noArguments, Flags: append(flags, jsonFlag())}
	}
	return &cli.Command{
		Name:   "list",
		Usage:  "list suites, workloads, runners or engines",
		Action: subcommandNeeded,
		Subcommands: []*cli.Command{
			sub("suites", "the suites and what is in them", p.listSuites, &cli.StringFlag{Name: "device", Value: device.CPU.Name, Usage: "say how long measuring takes on this kind of `DEVICE`: cpu or gpu"}),
			sub("workloads", "the workloads with their sizes", p.listWorkloads, &cli.StringFlag{Name: "suite", Usage: "only this suite's"}),
			sub("runners", "the frameworks", p.listRunners, runnerDirFlag()),
			sub("engines", "what can start runners here", p.listEngines),
		},
	}
}

// subcommandNeeded refuses a command that has only subcommands.
func subcommandNeeded(c *cli.Context) error {
	var names []string
	for _, sub := range c.Command.Subcommands {
		names = append(names, sub.Name)
	}
	if c.NArg() > 0 {
		return unknown("command", c.Command.Name+" "+c.Args().First(), prefixed(c.Command.Name+" ", names))
	}
	return usage(fmt.Errorf("%s: say which: %s", c.Command.Name, strings.Join(names, ", ")))
}

func prefixed(prefix string, names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = prefix + name
	}
	return out
}
