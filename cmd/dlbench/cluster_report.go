package main

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/dlbench/dlbench/reports/nodes"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/cluster"
)

// collectCluster collects what the shards left into one report, in the run's
// directory. An error beside a report is of what could not be written.
func collectCluster(run *cluster.Campaign, dir string) (*nodes.Fleet, []cluster.Rest, error) {
	all, err := nodes.New(run.Spread())
	if err != nil {
		return nil, nil, err
	}
	rest := run.Collect(func(m cluster.Member) { all.Add(nodes.Member(m)) })
	fleet := all.Fleet()
	if err := fleet.Save(dir); err != nil {
		return fleet, rest, bench.EnvironmentError(err, "make room, or make the directory writable; dlbench run --resume "+dir+" writes it again")
	}
	return fleet, rest, nil
}

// showCluster prints what the shards left, as one report.
func (p *program) showCluster(run *cluster.Campaign, dir string, asJSON bool) ([]cluster.Rest, error) {
	fleet, rest, saved := collectCluster(run, dir)
	switch {
	case fleet == nil:
		return nil, saved
	case asJSON:
		return rest, errors.Join(p.printJSON(fleet), saved)
	}
	err := fleet.Text(p.stdout, p.width)
	if err == nil && saved == nil { // what could not be written is not announced
		_, err = fmt.Fprintf(p.stdout, "\nreport  %s\n", filepath.Join(dir, nodes.PageName))
	}
	return rest, errors.Join(err, saved)
}

// readCampaign sets the shards of a campaign's directory side by side, by its files.
// What Slurm said of a shard is known if somebody has asked it.
func (p *program) readCampaign(dir string) (*nodes.Fleet, error) {
	plan, err := cluster.ReadPlan(dir)
	if err != nil {
		return nil, err
	}
	all, err := nodes.New(plan.Spread)
	if err != nil {
		return nil, err
	}
	said := nodes.Reasons(dir)
	plan.Left(dir, p.now(), func(m cluster.Member) {
		if m.Record == nil && m.Missing == "" {
			m.Missing = cmp.Or(said[m.Shard], "it has no record: it waits, runs, or ended without one")
		}
		all.Add(nodes.Member(m))
	})
	fleet := all.Fleet()
	fleet.Suite = cmp.Or(fleet.Suite, plan.Suite)
	return fleet, nil
}
