package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/reports"
	"github.com/dlbench/dlbench/reports/gate"
	"github.com/dlbench/dlbench/runners/bench"
)

func (p *program) checkCommand() *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "exit with 3 when a result is slower than its baseline, or than its history",
		ArgsUsage: "RESULT",
		Flags: append(append(checkFlags(), lineFlags()...),
			&cli.StringFlag{Name: "markdown", Usage: "`FILE` to write the check to as Markdown, too"},
			&cli.StringFlag{Name: "junit", Usage: "`FILE` to write the check to as JUnit's XML, too"},
			&cli.StringFlag{Name: "engine", Value: "auto", Usage: "what starts the runners of --rerun: auto, podman or docker"},
			runnerDirFlag(),
			&cli.StringFlag{Name: "out", Usage: "`DIR` for the records of --rerun (default: check beside RESULT)"},
			jsonFlag()),
		Action: p.check,
	}
}

func (p *program) check(c *cli.Context) error {
	if c.NArg() != 1 {
		return usage(fmt.Errorf("check: got %d arguments, expected one result.json", c.NArg()))
	}
	k, err := p.readCheck(c)
	if err != nil {
		return err
	}
	if err := tryFiles(c, "markdown", "junit"); err != nil {
		return err
	}
	g := p.newProgress()
	report, late := k.judge(c.Context, g, c.Args().First(), c.String("out"))
	g.End()
	if report == nil {
		return late
	}
	// Whatever cannot be written does not hide the verdict.
	for name, write := range map[string]func(io.Writer) error{"markdown": report.Markdown, "junit": report.JUnit} {
		if file := c.String(name); file != "" {
			if err := reports.WriteFile(file, write); err != nil {
				late = errors.Join(late, unwritten(fmt.Errorf("write the check: %w", err)))
			}
		}
	}
	if c.Bool("json") {
		err = p.printJSON(report)
	} else {
		err = report.Text(p.stdout, p.width)
	}
	return errors.Join(verdict(report), err, late)
}

// verdict is the error that a check amounts to.
func verdict(r *gate.Report) error {
	switch {
	case r.Regressed:
		return &regression{r.Headline()}
	case r.Counts.Nothing != "":
		return bench.EnvironmentError(errors.New(r.Headline()), r.Next)
	case len(r.Incomplete) > 0:
		return bench.EnvironmentError(fmt.Errorf("the check is incomplete in %d points, the first: %s", len(r.Incomplete), r.Incomplete[0]), "")
	}
	return nil
}

// readCheck reads what a result is held against.
func (p *program) readCheck(c *cli.Context) (checking, error) {
	h, err := p.historyAt(c.String("history"))
	if err != nil && c.String("baseline") != "" {
		h, err = nil, nil // a file needs no history
	}
	k := checking{rerun: c.Bool("rerun"), budget: c.Duration("check-budget"), Question: gate.Question{History: h, Baseline: c.String("baseline"),
		Change: c.String("min-change"), Machine: c.String("machine"), Branch: c.String("branch")}}
	k.setup = bench.Defaults().Setup
	k.setup.Host = p.host()
	given(c, "engine", c.String, &k.setup.Engine)
	given(c, "runner-dir", c.String, &k.setup.RunnerDir)
	return k, err
}

// checkDir is where a check of a result leaves its records.
func checkDir(result, out string) string {
	if out == "" {
		return filepath.Join(filepath.Dir(result), "check")
	}
	return out
}
