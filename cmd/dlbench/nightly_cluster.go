package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/nights"
	"github.com/dlbench/dlbench/runners/cluster"
)

// A night on a cluster: each shard is a part of it, with a record and a check of its
// own.

// readNightOnCluster refuses what a night cannot do there.
func readNightOnCluster(c *cli.Context) error {
	if !c.IsSet("cluster") {
		return withoutCluster(c)
	}
	if err := readCluster(c); err != nil {
		return err
	}
	switch {
	case c.Bool("rerun"):
		return usage(errors.New("--rerun measures on the machine that judges: a night on a cluster is held against the history, or against --baseline without --rerun"))
	case c.IsSet("machine") && c.String("spread") == record.ByNodes:
		return usage(fmt.Errorf("--machine %s: with --spread %s each node is a machine of its own, under Slurm's name for it", c.String("machine"), record.ByNodes))
	}
	return nil
}

// nightOnCluster measures a night on nodes of the cluster, and waits for them. A
// shard without a whole record is a part, too, with the reason.
func (p *program) nightOnCluster(c *cli.Context, g *progress, path string) ([]nights.Part, error) {
	o, plan, err := p.planCluster(c, g)
	if err != nil {
		return nil, err
	}
	plan.NameNodes = plan.Spread == record.ByNodes
	dir, err := claimRun(path, true)
	if err != nil {
		return nil, err
	}
	defer dir.release()
	run, err := p.submit(c, g, plan, dir.path, o.Device)
	if err != nil {
		return nil, err
	}
	waited := untilEnded(c.Context, run)
	_, rest, err := collectCluster(run, dir.path)
	err = errors.Join(err, run.Leave(rest))
	var parts []nights.Part
	for _, r := range rest {
		parts = append(parts, nights.Part{Name: r.Name(), Dir: cluster.ShardDir(dir.path, r.Shard), Missing: r.Missing})
	}
	return parts, ended(c.Context, run, rest, dir.path, errors.Join(err, waited))
}
