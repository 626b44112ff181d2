package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/reports"
	"github.com/dlbench/dlbench/reports/history"
	"github.com/dlbench/dlbench/reports/trend"
)

func trendFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "o", Aliases: []string{"output"}, Value: "trend.html", Usage: "`FILE` to write; with --json none is, unless this is given"},
		&cli.StringFlag{Name: "metric", Value: string(history.Throughput), Usage: "figure to draw: throughput, p50, p99 or memory"},
		&cli.StringFlag{Name: "host", Usage: "only records of this machine"},
	}
}

func (p *program) historyTrend(c *cli.Context, h *history.History) error {
	if err := argumentsBetween(c, 2, 2); err != nil {
		return err
	}
	metric, ok := history.MetricNamed(c.String("metric"))
	if !ok {
		var known []string
		for _, m := range history.Metrics() {
			known = append(known, string(m))
		}
		return unknown("metric", c.String("metric"), known)
	}
	s := history.Series{Workload: c.Args().Get(0), Runner: c.Args().Get(1), Metric: metric, Host: c.String("host")}
	draw := !c.Bool("json") || c.IsSet("o")
	if draw {
		if err := tryFiles(c, "o"); err != nil {
			return err
		}
	}
	t, err := trend.Of(c.Context, h, s, trend.Level)
	if err != nil {
		return err
	}
	if len(t.Lines) == 0 {
		return noTrend(c.Context, h, t, s.Host)
	}
	path := c.String("o")
	var late error // the figures are printed all the same
	if draw {
		if err := reports.WriteFile(path, func(w io.Writer) error { return trend.Render(w, t) }); err != nil {
			late = unwritten(fmt.Errorf("write the trend: %w", err))
		}
	}
	switch {
	case c.Bool("json"):
		return errors.Join(p.printJSON(t), late)
	case late == nil:
		_, late = fmt.Fprintln(p.stdout, path)
	}
	return late
}
