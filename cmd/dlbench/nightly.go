package main

import (
	"context"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/gate"
	"github.com/dlbench/dlbench/reports/nights"
	"github.com/dlbench/dlbench/runners/bench"
)

func (p *program) nightlyCommand() *cli.Command {
	return &cli.Command{
		Name:  "nightly",
		Usage: "run, check, store, write the pages; silent unless something is wrong",
		Flags: append(append(append(append(setupFlags(), measureFlags()...), clusterFlags()...), checkFlags()...),
			&cli.StringFlag{Name: "dir", Usage: "`DIR` of the nights and their pages; with --cluster every node has to see it (default: $XDG_DATA_HOME/dlbench/nightly or ~/.local/share/dlbench/nightly)"},
			&cli.StringFlag{Name: "notify", Usage: "`COMMAND` for sh, run when something is wrong: the summary is its standard input"},
			&cli.IntFlag{Name: "keep", Value: 30, Usage: "directories of `N` nights are kept, the newest"},
			&cli.IntFlag{Name: "keep-records", Value: 1000, Usage: "`N` records are kept in the history, the newest, and all baselines"},
		),
		Action: p.nightly,
	}
}

func (p *program) nightly(c *cli.Context) error {
	o := bench.Defaults()
	if err := p.readMeasure(c, nil, &o); err != nil {
		return err
	}
	if err := positive(c, "keep", "keep-records"); err != nil {
		return err
	}
	k, err := p.readCheck(c)
	if err != nil {
		return err
	}
	if err := readNightOnCluster(c); err != nil {
		return err
	}
	job := &nights.Job{Dir: c.String("dir"), Suite: suiteName(c), History: k.History, Notification: c.String("notify"), Nights: c.Int("keep"), Records: c.Int("keep-records"),
		Environ: p.environ(), Now: p.now, Watched: p.terminal, Verdict: verdict, Exit: exitCode}
	if job.Dir == "" {
		if job.Dir, err = p.dataDir("nightly"); err != nil {
			return err
		}
	}
	job.Measure = func(ctx context.Context, dir string, log io.Writer) ([]nights.Part, error) {
		g := p.progressTo(log)
		defer g.End()
		if c.IsSet("cluster") {
			return p.nightOnCluster(c, g, dir)
		}
		night := o
		night.Dir, night.Progress = dir, g
		_, err := measure(ctx, night)
		return []nights.Part{{Dir: dir}}, err
	}
	job.Judge = func(ctx context.Context, result string, of int, log io.Writer) (*gate.Report, error) {
		g := p.progressTo(log)
		defer g.End()
		if c.IsSet("cluster") {
			k.Part = gate.Part{Of: of, Dealt: c.String("spread") == record.ByWorkloads}
		}
		return k.judge(ctx, g, result, "")
	}
	night, err := job.Run(c.Context)
	if err == nil && p.terminal {
		fmt.Fprintln(p.stderr, night.Headline)
	}
	return err
}
