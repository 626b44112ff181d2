package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/stats"
	"github.com/dlbench/dlbench/reports"
	"github.com/dlbench/dlbench/reports/ranking"
	"github.com/dlbench/dlbench/reports/table"
	"github.com/dlbench/dlbench/runners/fidelity"
)

var fidelityHeader = []string{"workload", "runner", "bare images/s", "runner images/s", "runner/bare", "95 % interval",
	"in one process", "over its blocks", "95 % interval", "by CPU time", "over its blocks", "instructions", "sampler on/off", "95 % interval", "pairs"}

// fidelityCells has a dash for what was not asked for or cannot be told.
func fidelityCells(r fidelity.Row) []string {
	bare, own, fresh, sampler, together := r.Bare, r.Own, []string{"–", "–"}, []string{"–", "–"}, []string{"–", "–", "–", "–", "–", "–"}
	if r.Pairs > 0 {
		fresh = []string{fmt.Sprintf("%.3f", r.Ratio), fidelitySpan(r.Interval, "pairs")}
		sampler = []string{fmt.Sprintf("%.3f", r.Sampler), fidelitySpan(r.Sampled, "pairs")}
	}
	if in := r.InProcess; in != nil {
		together[0], together[1], together[2] = fmt.Sprintf("%.3f", in.Ratio), halfWidth(in.Within), fidelitySpan(in.Interval, "processes")
		if in.CPU != nil {
			together[3], together[4] = fmt.Sprintf("%.3f", in.CPU.Ratio), halfWidth(in.CPU.Within)
		}
		if in.Instructions != nil {
			together[5] = fmt.Sprintf("%.4f", in.Instructions.Ratio)
		}
		if r.Pairs == 0 {
			bare, own = in.Bare, in.Own
		}
	}
	cells := []string{r.Workload, r.Runner, ranking.Figure(bare, bare/200), ranking.Figure(own, own/200)}
	return append(slices.Concat(cells, fresh, together, sampler), fmt.Sprint(r.Pairs))
}

func halfWidth(of float64) string {
	if of == 0 {
		return "–"
	}
	return fmt.Sprintf("± %.4f", of)
}

func fidelitySpan(i stats.Interval, of string) string {
	if !i.Exists() {
		return "too few " + of
	}
	return fmt.Sprintf("%.3f – %.3f", i.Low, i.High)
}

// fidelityNotes say what is missing, and why, once each.
func fidelityNotes(rows []fidelity.Row) []string {
	var notes []string
	for _, r := range rows {
		if r.NoInProcess != "" {
			notes = append(notes, fmt.Sprintf("%s on %s, nothing in one process: %s", r.Workload, r.Runner, r.NoInProcess))
		}
		if r.InProcess != nil && r.InProcess.NoCounters != "" {
			notes = append(notes, fmt.Sprintf("%s on %s, no instructions: %s", r.Workload, r.Runner, r.InProcess.NoCounters))
		}
	}
	return notes
}

func fidelityTable(rows []fidelity.Row) *table.Table {
	t := table.New(fidelityHeader...)
	for _, r := range rows {
		t.Add(fidelityCells(r)...)
	}
	return t
}

// tryTable makes the directory of the table's file, if there is to be one, and
// finds out whether the file can be written.
func tryTable(c *cli.Context) (*claimed, error) {
	dir, path := &claimed{}, c.String("o")
	if path != "" {
		if _, err := os.Stat(filepath.Dir(path)); errors.Is(err, fs.ErrNotExist) {
			if dir, err = claimDir(filepath.Dir(path)); err != nil {
				return nil, unwritten(fmt.Errorf("-o %s: %w", path, errors.Unwrap(err)))
			}
		}
	}
	if err := tryFiles(c, "o"); err != nil {
		dir.release()
		return nil, err
	}
	return dir, nil
}

// writeFidelity keeps the table as a page for the documentation.
func (p *program) writeFidelity(path string, a fidelity.Answer) error {
	heading := fmt.Sprintf("%s, %s, engine %s, dlbench %s", p.now().UTC().Format("2 January 2006"), placeOf(a), a.Engine, version())
	if err := reports.WriteFile(path, func(w io.Writer) error { return fidelityMarkdown(w, heading, a.Rows) }); err != nil {
		return unwritten(fmt.Errorf("write the table: %w", err))
	}
	return nil
}

// placeOf names what computed: the cards that were used, if any, and the
// processor.
func placeOf(a fidelity.Answer) string {
	place := fmt.Sprintf("device %s, %s with %d threads", a.Terms.Device, a.Environment.CPU, a.Terms.Threads)
	for _, d := range a.Devices {
		if d.GPU() {
			place += fmt.Sprintf(", %s (driver %s)", d.Card.Name, d.Card.Driver)
		}
	}
	return place
}

func fidelityMarkdown(w io.Writer, heading string, rows []fidelity.Row) error {
	line := func(cells []string) error {
		_, err := fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
		return err
	}
	_, err := fmt.Fprintf(w, "# Runners against bare loops\n\n%s.\n\n", heading)
	err = errors.Join(err, line(fidelityHeader), line(strings.Fields("--- --- ---: ---: ---: --- ---: ---: --- ---: ---: ---: ---: --- ---:")))
	for _, r := range rows {
		err = errors.Join(err, line(fidelityCells(r)))
	}
	for _, note := range fidelityNotes(rows) {
		_, failed := fmt.Fprintf(w, "\n%s.\n", note)
		err = errors.Join(err, failed)
	}
	return err
}
