package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/dlbench/dlbench/reports/nodes"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/cluster"
)

// showCluster collects what the shards left into one report, in the run's
// directory and on standard output.
func (p *program) showCluster(run *cluster.Campaign, dir string, asJSON bool) ([]cluster.Rest, error) {
	all, err := nodes.New(run.Spread())
	if err != nil {
		return nil, err
	}
	rest := run.Collect(func(m cluster.Member) {
		all.Add(nodes.Member{Shard: m.Shard, Node: m.Node, Record: m.Record, Missing: m.Missing})
	})
	fleet := all.Fleet()
	saved := fleet.Save(dir)
	if saved != nil {
		saved = bench.EnvironmentError(saved, "make room, or make the directory writable; dlbench run --resume "+dir+" writes it again")
	}
	if asJSON {
		return rest, errors.Join(p.printJSON(fleet), saved)
	}
	err = fleet.Text(p.stdout, p.width)
	if err == nil && saved == nil { // what could not be written is not announced
		_, err = fmt.Fprintf(p.stdout, "\nreport  %s\n", filepath.Join(dir, nodes.PageName))
	}
	return rest, errors.Join(err, saved)
}
