package main

import (
	"context"
	"fmt"
	"io"
	"slices"

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
	t, err := trend.Of(c.Context, h, s, trend.Level)
	if err != nil {
		return err
	}
	if len(t.Lines) == 0 {
		return noTrend(c.Context, h, s, t)
	}
	path := c.String("o")
	if !c.Bool("json") || c.IsSet("o") {
		if err := reports.WriteFile(path, func(w io.Writer) error { return trend.Render(w, t) }); err != nil {
			return usage(fmt.Errorf("write the trend: %w", err))
		}
	}
	if c.Bool("json") {
		return p.printJSON(t)
	}
	_, err = fmt.Fprintln(p.stdout, path)
	return err
}

// noTrend says why there is nothing to draw: a mistyped name, or records
// without the figure.
func noTrend(ctx context.Context, h *history.History, s history.Series, t *trend.Trend) error {
	workloads, runners, err := h.Names(ctx)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("history %s: no figure for %s of %s on %s", h.Dir(), s.Metric, s.Runner, s.Workload)
	switch {
	case !slices.Contains(workloads, s.Workload):
		return unknown("workload", s.Workload, workloads)
	case !slices.Contains(runners, s.Runner):
		return unknown("runner", s.Runner, runners)
	case len(t.LeftOut) > 0:
		return usage(fmt.Errorf("%s: %d records were left out, the last because: %s", what, len(t.LeftOut), t.LeftOut[len(t.LeftOut)-1].Reason))
	case s.Host != "":
		return usage(fmt.Errorf("%s from host %q", what, s.Host))
	}
	return usage(fmt.Errorf("%s: no record has both", what))
}
