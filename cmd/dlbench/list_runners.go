package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/reports/table"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/manifest"
)

func (p *program) listRunners(c *cli.Context) error {
	all, err := bench.KnownRunners(c.String("runner-dir"))
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
			t.Add(v.Name, m.Framework, m.Version, variantState(m, v), m.CPUFeatures, strings.Join(v.Devices, ", "), v.Description)
		}
	}
	return p.print(c.Bool("json"), all, t)
}

// variantState says which variant --runner best measures beside the runner itself.
func variantState(m, variant manifest.Manifest) string {
	if slices.ContainsFunc(m.Best(), func(way manifest.Manifest) bool { return way.Name == variant.Name }) {
		return "variant, recommended"
	}
	return "variant"
}

func (p *program) listEngines(c *cli.Context) error {
	known, err := p.engines()
	if err != nil {
		return err
	}
	type row struct {
		Name string `json:"name"`
		engine.Health
	}
	var rows []row
	t := table.New("engine", "state", "version", "reason")
	for _, e := range known {
		health := e.Probe(c.Context)
		rows = append(rows, row{e.Name(), health})
		t.Add(e.Name(), string(health.State), health.Version, health.Reason)
	}
	return p.print(c.Bool("json"), rows, t)
}

// engines are those of this machine.
func (p *program) engines() (bench.Engines, error) {
	cache, err := p.host().CacheDir()
	if err != nil {
		return nil, err
	}
	return p.host().KnownEngines(cache)
}
