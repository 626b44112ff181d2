package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports"
	"github.com/dlbench/dlbench/reports/compare"
	"github.com/dlbench/dlbench/reports/gate"
	"github.com/dlbench/dlbench/reports/history"
)

func (p *program) checkCommand() *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "exit with 3 when a result is slower than its baseline, or than its history",
		ArgsUsage: "RESULT",
		Flags: append(append(checkFlags(), pageFlags()...),
			&cli.StringFlag{Name: "engine", Value: "auto", Usage: "what starts the runners of --rerun: auto, podman or docker"},
			&cli.StringFlag{Name: "runner-dir", Usage: "`DIR` with more runners (runner.json files)"},
			&cli.StringFlag{Name: "out", Usage: "`DIR` for the records of --rerun (default: check beside RESULT)"},
			jsonFlag()),
		Action: p.check,
	}
}

// checkFlags say what a result is held against; nightly has them too.
func checkFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "baseline", Usage: "`NAME` of a baseline of the history, or a result.json (default: the history's records of this machine)"},
		&cli.BoolFlag{Name: "rerun", Usage: "measure both sides again, interleaved, the baseline from the image in its record"},
		&cli.Float64Flag{Name: "min-change", Usage: "a smaller `SHARE` is no change (default: 0.005; without --rerun against a baseline 0.02)"},
		&cli.DurationFlag{Name: "check-budget", Usage: "measure again no longer than this"},
		&cli.StringFlag{Name: "history", Usage: "`DIR` of the history (default: $XDG_DATA_HOME/dlbench/history or ~/.local/share/dlbench/history)"},
	}
}

func pageFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "markdown", Usage: "`FILE` to write the check to as Markdown, too"},
		&cli.StringFlag{Name: "junit", Usage: "`FILE` to write the check to as JUnit's XML, too"},
	}
}

func (p *program) check(c *cli.Context) error {
	if c.NArg() != 1 {
		return usage(fmt.Errorf("check: got %d arguments, expected one result.json", c.NArg()))
	}
	path := c.Args().First()
	out := c.String("out")
	if out == "" {
		out = filepath.Join(filepath.Dir(path), "check")
	}
	report, err := p.judge(c.Context, c, path, out)
	if err != nil {
		return err
	}
	for name, write := range map[string]func(io.Writer) error{"markdown": report.Markdown, "junit": report.JUnit} {
		if file := c.String(name); file != "" {
			if err := reports.WriteFile(file, write); err != nil {
				return usage(fmt.Errorf("write the check: %w", err))
			}
		}
	}
	if c.Bool("json") {
		err = p.printJSON(report)
	} else {
		err = report.Text(p.stdout, p.width)
	}
	return errors.Join(err, checked(report))
}

// checked is the exit code that a check amounts to.
func checked(r *gate.Report) error {
	switch {
	case r.Regressed:
		return &exitError{code: exitRegressed, err: errors.New(r.Headline())}
	case r.Counts.Nothing != "":
		return lackingHere(errors.New(r.Headline()), r.Next)
	case len(r.Incomplete) > 0:
		return lackingHere(fmt.Errorf("the check is incomplete in %d points, the first: %s", len(r.Incomplete), r.Incomplete[0]), "")
	}
	return nil
}

// judge holds a result against what the command line names.
func (p *program) judge(ctx context.Context, c *cli.Context, path, out string) (*gate.Report, error) {
	result, err := source(path)
	if err != nil {
		return nil, err
	}
	h, err := p.historyAt(c.String("history"))
	if err != nil {
		return nil, err
	}
	name := c.String("baseline")
	if name == "" {
		if c.Bool("rerun") {
			return nil, usage(errors.New("check --rerun: give the --baseline that is to be measured again"))
		}
		return p.judgeTrend(ctx, c, h, result)
	}
	baseline, err := baselineNamed(ctx, h, name)
	if err != nil {
		return nil, historyFailure(err)
	}
	if c.Bool("rerun") {
		return p.judgeAgain(ctx, c, result, baseline, out)
	}
	report, err := gate.Stored(result, baseline, ruled(c, gate.StoredRule))
	var different *gate.DifferentMachineError
	if errors.As(err, &different) {
		return nil, usage(err)
	}
	return report, err
}

// ruled is a rule with the command line's smallest change.
func ruled(c *cli.Context, rule gate.Rule) gate.Rule {
	if c.IsSet("min-change") {
		rule.Change = c.Float64("min-change")
	}
	return rule
}

func (p *program) judgeTrend(ctx context.Context, c *cli.Context, h *history.History, result compare.Source) (*gate.Report, error) {
	data, err := os.ReadFile(result.File)
	if err != nil {
		return nil, err
	}
	id, err := history.Identify(data)
	if err != nil {
		return nil, err
	}
	if _, err := h.Find(ctx, id); err != nil {
		var absent *history.Refusal
		if errors.As(err, &absent) {
			return nil, &exitError{code: exitUsage, err: fmt.Errorf("check %s: without --baseline it is held against the history %s, which lacks it", result.File, h.Dir()),
				hint: "dlbench history add " + result.File}
		}
		return nil, err
	}
	return gate.Trend(ctx, h, id, result, ruled(c, gate.TrendRule))
}

// source reads a record.
func source(path string) (compare.Source, error) {
	rec, err := summary.Read(path)
	if err != nil {
		return compare.Source{}, usage(err)
	}
	return compare.Source{File: path, Record: rec}, nil
}

// baselineNamed is a file, or a baseline of the history.
func baselineNamed(ctx context.Context, h *history.History, name string) (compare.Source, error) {
	if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
		return source(name)
	}
	e, err := h.Baseline(ctx, name)
	if err != nil {
		return compare.Source{}, fmt.Errorf("--baseline %s is no file, and %w", name, err)
	}
	rec, _, err := h.Read(e)
	return compare.Source{File: name + " (" + e.ID + ")", Record: rec}, err
}
