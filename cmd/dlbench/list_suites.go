package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/reports/table"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/workloads/suite"
)

func (p *program) listSuites(c *cli.Context) error {
	type row struct {
		suite.Suite
		IDs  []string `json:"workloads"`
		Here timeHere `json:"time_here"`
	}
	if _, err := device.Parse(c.String("device")); err != nil {
		return usage(err)
	}
	seen := p.seen(c.Context)
	runners, err := bench.KnownRunners("")
	if err != nil {
		return err
	}
	var rows []row
	t := table.New("suite", "workloads", "profile", "measuring here takes", "description")
	for _, s := range suite.All(bench.Defaults().MostThreads()) {
		r := row{Suite: s}
		for _, id := range s.Workloads {
			r.IDs = append(r.IDs, id.String())
		}
		o := bench.Defaults()
		o.Host, o.Suite, o.Manifests, o.Device = p.host(), s.Name, runners, c.String("device")
		e, err := o.Estimate(seen)
		if err != nil {
			return err
		}
		r.Here = hereOf(e)
		rows = append(rows, r)
		t.Add(s.Name, fmt.Sprint(len(s.Workloads)), s.Profile, e.String(), s.Description)
	}
	if err := p.print(c.Bool("json"), rows, t); err != nil || c.Bool("json") {
		return err
	}
	_, err = fmt.Fprint(p.stdout, "\nBy all frameworks. From operations is good to a factor of two or three; images that have to be built\nand runners that have to be verified for the first time come on top, and the machine's peak, which is measured once.\n")
	return err
}

// timeHere is an estimate in JSON.
type timeHere struct {
	Least float64 `json:"least_s"`
	Most  float64 `json:"most_s"`
	Cells int     `json:"cells"`
	Seen  int     `json:"seen_cells"`
	On    string  `json:"seen_on,omitempty"` // the day of the newest record that some cells' time is from
}

func hereOf(e bench.Estimate) timeHere {
	out := timeHere{Least: e.Least.Seconds(), Most: e.Most.Seconds(), Cells: e.Cells, Seen: e.Seen}
	if e.Seen > 0 {
		out.On = e.SeenOn.Format("2006-01-02")
	}
	return out
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
