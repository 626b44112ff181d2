package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/timeline"
	"github.com/dlbench/dlbench/reports"
	"github.com/dlbench/dlbench/reports/table"
	"github.com/dlbench/dlbench/reports/timechart"
)

func (p *program) timelineCommand() *cli.Command {
	return &cli.Command{
		Name:      "timeline",
		Usage:     "show where the time of runs went, from their logs of times",
		ArgsUsage: "[NAME=]DIR|FILE…",
		Flags: []cli.Flag{jsonFlag(),
			&cli.StringFlag{Name: "o", Aliases: []string{"output"}, Usage: "`FILE` to draw the runs into, as SVG, instead of a table"}},
		Action: p.timeline,
	}
}

func (p *program) timeline(c *cli.Context) error {
	if c.NArg() == 0 {
		return usage(errors.New("timeline: name at least one run's directory, or its " + timeline.FileName))
	}
	if err := tryFiles(c, "o"); err != nil {
		return err
	}
	var runs []timechart.Run
	for _, arg := range c.Args().Slice() {
		run, err := readTimes(arg)
		if err != nil {
			return usage(err)
		}
		runs = append(runs, run)
	}
	if path := c.String("o"); path != "" {
		if err := reports.WriteFile(path, func(w io.Writer) error { return timechart.SVG(w, runs) }); err != nil {
			return unwritten(fmt.Errorf("draw the times: %w", err))
		}
		_, err := fmt.Fprintln(p.stdout, path)
		return err
	}
	t := table.New("run", "step", "kind", "from", "took", "failed")
	var steps []timeline.Step
	for _, run := range runs {
		begin, _ := run.Span()
		for _, s := range run.Steps {
			t.Add(run.Name, s.Name, s.Kind, roundDuration(s.Start.Sub(begin)), roundDuration(s.End.Sub(s.Start)), s.Error)
		}
		steps = append(steps, run.Steps...)
	}
	return p.print(c.Bool("json"), steps, t)
}

// readTimes reads the log that a word names, of a run's directory or the file
// itself, with a name of its own if it has one. The steps are in the order in
// which they began.
func readTimes(word string) (timechart.Run, error) {
	name, path := word, word
	if before, after, named := strings.Cut(word, "="); named {
		name, path = before, after
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, timeline.FileName)
	}
	steps, err := timeline.Read(path)
	slices.SortStableFunc(steps, func(a, b timeline.Step) int { return a.Start.Compare(b.Start) })
	return timechart.Run{Name: name, Steps: steps}, err
}
