package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports"
	"github.com/dlbench/dlbench/reports/compare"
)

func (p *program) compareCommand() *cli.Command {
	return &cli.Command{
		Name:      "compare",
		Usage:     "set a new result against an old one: ratios with intervals, and why they may mean nothing",
		ArgsUsage: "OLD NEW",
		Flags: []cli.Flag{
			jsonFlag(),
			&cli.StringFlag{Name: "html", Usage: "`FILE` to write the comparison to as a page, too"},
		},
		Action: p.compare,
	}
}

func (p *program) compare(c *cli.Context) error {
	if c.NArg() != 2 {
		return usage(fmt.Errorf("compare: got %d arguments, expected two result.json: the old one and the new one", c.NArg()))
	}
	if err := tryFiles(c, "html"); err != nil {
		return err
	}
	var sources [2]compare.Source
	for i, path := range c.Args().Slice() {
		rec, err := summary.Read(path)
		if err != nil {
			return usage(err)
		}
		sources[i] = compare.Source{File: path, Record: rec}
	}
	comparison := compare.Of(sources[0], sources[1])
	var late error // the answer is printed all the same
	if path := c.String("html"); path != "" {
		if err := reports.WriteFile(path, comparison.HTML); err != nil {
			late = unwritten(fmt.Errorf("write the comparison: %w", err))
		}
	}
	if c.Bool("json") {
		return errors.Join(p.printJSON(comparison), late)
	}
	return errors.Join(comparison.Text(p.stdout, p.width), late)
}
