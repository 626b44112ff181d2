package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/reports/table"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/workloads/suite"
)

func (p *program) listSuites(c *cli.Context) error {
	type row struct {
		suite.Suite
		IDs []string `json:"workloads"`
	}
	var rows []row
	t := table.New("suite", "workloads", "profile", "description")
	for _, s := range suite.All(bench.Defaults().MostThreads()) {
		r := row{Suite: s}
		for _, id := range s.Workloads {
			r.IDs = append(r.IDs, id.String())
		}
		rows = append(rows, r)
		t.Add(s.Name, fmt.Sprint(len(s.Workloads)), s.Profile, s.Description)
	}
	return p.print(c.Bool("json"), rows, t)
}

func (p *program) listWorkloads(c *cli.Context) error {
	chosen := suite.All(bench.Defaults().MostThreads())
	if name := c.String("suite"); name != "" {
		s, err := suite.Get(name, bench.Defaults().MostThreads())
		if err != nil {
			return usage(err)
		}
		chosen = []suite.Suite{s}
	}
	t := table.New("workload", "suite", "input", "parameters", "GMAC/image", "activations/image")
	rows := []any{}
	for _, s := range chosen {
		for _, id := range s.Workloads {
			w, err := bench.Describe(id, 1)
			if err != nil {
				return err
			}
			rows = append(rows, w)
			t.Add(w.ID, s.Name, fmt.Sprint(w.InputShape), table.Thousands(w.Parameters), fmt.Sprintf("%.3g", float64(w.MACs)/1e9), table.Bytes(w.ActivationBytes))
		}
	}
	return p.print(c.Bool("json"), rows, t)
}
