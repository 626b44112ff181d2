package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports"
	"github.com/dlbench/dlbench/reports/nodes"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/cluster"
)

func (p *program) nodesCommand() *cli.Command {
	return &cli.Command{
		Name:      "nodes",
		Usage:     "set machines side by side: which of them is slow, and in what it is not as the others",
		ArgsUsage: "DIR|RESULT…",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "spread", Value: record.ByNodes, Usage: "of the results: nodes (each measured the same) or workloads (each measured some); a cluster's directory knows it"},
			jsonFlag(),
			&cli.StringFlag{Name: "html", Usage: "`FILE` to write the report to as a page, too"},
		},
		Action: p.nodes,
	}
}

func (p *program) nodes(c *cli.Context) error {
	if c.NArg() == 0 {
		return usage(errors.New("nodes: name the directory of a campaign on a cluster, or the result.json of each node"))
	}
	if err := tryFiles(c, "html"); err != nil {
		return err
	}
	fleet, err := p.readFleet(c)
	if err != nil {
		return usage(err)
	}
	var late error // the answer is printed all the same
	if path := c.String("html"); path != "" {
		if err := reports.WriteFile(path, fleet.HTML); err != nil {
			late = unwritten(fmt.Errorf("write the report of the nodes: %w", err))
		}
	}
	if c.Bool("json") {
		err = p.printJSON(fleet)
	} else {
		err = fleet.Text(p.stdout, p.width)
	}
	return errors.Join(fleetVerdict(fleet), err, late)
}

// readFleet reads a cluster's directory, or a record for each node.
func (p *program) readFleet(c *cli.Context) (*nodes.Fleet, error) {
	paths := c.Args().Slice()
	for _, path := range paths {
		if !cluster.IsPlanned(path) {
			continue
		}
		if len(paths) > 1 {
			return nil, fmt.Errorf("nodes: %s is the directory of a campaign on a cluster: name it and nothing else", path)
		}
		fleet, err := p.readCampaign(path)
		if page := c.String("html"); page != "" && err == nil {
			fleet.Base = wayTo(filepath.Dir(page), path)
		}
		return fleet, err
	}
	return nodes.ReadFiles(c.String("spread"), paths)
}

// wayTo is the way from one directory to another, for a link.
func wayTo(from, to string) string {
	from, errFrom := filepath.Abs(from)
	to, errTo := filepath.Abs(to)
	way, err := filepath.Rel(from, to)
	if errors.Join(errFrom, errTo, err) != nil {
		return filepath.ToSlash(to)
	}
	return filepath.ToSlash(way)
}

// fleetVerdict is the error that a report of nodes amounts to.
func fleetVerdict(f *nodes.Fleet) error {
	switch {
	case f.Spread != record.ByNodes:
		return nil
	case f.Counts.Slow > 0:
		return &regression{f.Headline}
	case f.Counts.Judged == 0:
		return bench.EnvironmentError(errors.New(f.Headline), "measure the same on two nodes of a kind at least, with --profile report")
	}
	return nil
}
