package main

import (
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/reports/table"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/workloads/suite"
)

func (p *program) listCommand() *cli.Command {
	sub := func(name, usage string, action cli.ActionFunc, flags ...cli.Flag) *cli.Command {
		return &cli.Command{Name: name, Usage: usage, Action: action, Flags: append(flags, jsonFlag())}
	}
	return &cli.Command{
		Name:   "list",
		Usage:  "list suites, workloads, runners or engines",
		Action: subcommandNeeded,
		Subcommands: []*cli.Command{
			sub("suites", "the suites and what is in them", p.listSuites),
			sub("workloads", "the workloads with their sizes", p.listWorkloads, &cli.StringFlag{Name: "suite", Usage: "only this suite's"}),
			sub("runners", "the frameworks", p.listRunners, &cli.StringFlag{Name: "runner-dir", Usage: "`DIR` with more runners"}),
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

func (p *program) listSuites(c *cli.Context) error {
	type row struct {
		suite.Suite
		IDs []string `json:"workloads"`
	}
	var rows []row
	t := table.New("suite", "workloads", "profile", "description")
	for _, s := range suite.All() {
		r := row{Suite: s}
		for _, id := range s.Workloads {
			r.IDs = append(r.IDs, id.String())
		}
		rows = append(rows, r)
		t.Add(s.Name, fmt.Sprint(len(s.Workloads)), s.Profile, s.Description)
	}
	return p.print(c, rows, t)
}

func (p *program) listWorkloads(c *cli.Context) error {
	chosen := suite.All()
	if name := c.String("suite"); name != "" {
		s, err := suite.Get(name)
		if err != nil {
			return usage(err)
		}
		chosen = []suite.Suite{s}
	}
	t := table.New("workload", "suite", "input", "parameters", "GMAC/image", "activations/image")
	rows := []any{}
	for _, s := range chosen {
		for _, id := range s.Workloads {
			w, err := describeWorkload(id, 1)
			if err != nil {
				return err
			}
			rows = append(rows, w)
			t.Add(w.ID, s.Name, fmt.Sprint(w.InputShape), table.Thousands(w.Parameters), fmt.Sprintf("%.3g", float64(w.MACs)/1e9), table.Bytes(w.ActivationBytes))
		}
	}
	return p.print(c, rows, t)
}

func (p *program) listRunners(c *cli.Context) error {
	all, err := knownRunners(c.String("runner-dir"))
	if err != nil {
		return err
	}
	t := table.New("runner", "framework", "version", "state", "CPU features", "devices", "description")
	for _, m := range all {
		state := "maintained"
		if !m.Maintained {
			state = "retired, last release " + m.Released
		}
		if m.Reference {
			state += ", judges"
		}
		t.Add(m.Name, m.Framework, m.Version, state, m.CPUFeatures, strings.Join(m.Devices, ", "), m.Description)
		for _, name := range m.Names()[1:] {
			v, _ := m.As(strings.TrimPrefix(name, m.Name+"+"))
			t.Add(v.Name, m.Framework, m.Version, "variant", m.CPUFeatures, strings.Join(v.Devices, ", "), v.Description)
		}
	}
	return p.print(c, all, t)
}

func (p *program) listEngines(c *cli.Context) error {
	cache, err := p.cacheDir()
	if err != nil {
		return err
	}
	engines, err := p.engines(cache)
	if err != nil {
		return err
	}
	type row struct {
		Name string `json:"name"`
		engine.Health
	}
	var rows []row
	t := table.New("engine", "state", "version", "reason")
	for _, e := range engines.all {
		health := e.Probe(c.Context)
		rows = append(rows, row{e.Name(), health})
		t.Add(e.Name(), string(health.State), health.Version, health.Reason)
	}
	return p.print(c, rows, t)
}

// print answers in JSON where that is asked for, else by a table.
func (p *program) print(c *cli.Context, value any, t *table.Table) error {
	if c.NArg() > 0 {
		return usage(fmt.Errorf("unexpected argument %q", c.Args().First()))
	}
	if c.Bool("json") {
		return p.printJSON(value)
	}
	return t.Write(p.stdout, p.width)
}
