// Package reports tells what a record holds: on the terminal, in Markdown and
// in HTML. Records are the only input of every report.
package reports

import (
	"fmt"
	"io"
	"math"
	"sort"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/table"
)

// Table prints a record for the terminal: one table a workload, fastest first,
// and what has to be said about the figures below.
func Table(w io.Writer, rec *record.Record, width int) error {
	p := &printer{w: w}
	p.printf("%s on %s, %d threads on CPUs %s, %s, profile %s\n", rec.Suite, rec.Environment.CPU, rec.Terms.Threads, rec.Terms.CPUs, rec.Terms.Device, rec.Profile)
	for _, workload := range rec.Workloads {
		p.printf("\n%s\n", workload.ID)
		t := table.New("  runner", "version", "images/s", intervalName(rec), "against fastest", "p50 ms", "p90 ms", "CPU %", "memory", "parity", "notes")
		for _, row := range Rows(rec, workload.ID) {
			t.Add("  "+row.Runner, row.Version, row.Throughput, row.Interval, row.Against, row.P50, row.P90, row.CPU, row.Memory, row.Parity, row.Notes)
		}
		if p.err == nil {
			p.err = t.Write(w, width)
		}
	}
	if len(rec.Warnings) > 0 {
		p.printf("\n")
	}
	for _, warning := range rec.Warnings {
		p.printf("warning %s (%s): %s\n", warning.Code, warning.Scope, warning.Text)
	}
	if rec.Status != record.Complete {
		p.printf("\nThis record is %s: %d rounds are in it.\n", rec.Status, rec.Rounds)
	}
	return p.err
}

// printer keeps the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

// Row is a cell as every textual report shows it.
type Row struct {
	Runner, Version, Throughput, Interval, Against, P50, P90, CPU, Memory, Parity, Notes string
}

// Rows are a workload's cells: the ranked ones, fastest first, then the others.
func Rows(rec *record.Record, workload string) []Row {
	cells := ranking(rec, workload)
	var rows []Row
	for _, cell := range cells {
		rows = append(rows, rowOf(rec, cell, cells[0]))
	}
	return rows
}

// ranking orders the cells of a workload.
func ranking(rec *record.Record, workload string) []*record.Cell {
	var cells []*record.Cell
	for i := range rec.Cells {
		if rec.Cells[i].Workload == workload {
			cells = append(cells, &rec.Cells[i])
		}
	}
	sort.SliceStable(cells, func(i, j int) bool {
		a, b := cells[i], cells[j]
		if a.Ranked() != b.Ranked() {
			return a.Ranked()
		}
		return speed(a) > speed(b)
	})
	return cells
}

func speed(c *record.Cell) float64 {
	if c.Throughput == nil {
		return 0
	}
	return c.Throughput.Median
}

func rowOf(rec *record.Record, cell, fastest *record.Cell) Row {
	row := Row{Runner: cell.Runner, Version: cell.FrameworkVersion, Parity: cell.Parity.Status}
	if t := cell.Throughput; t != nil {
		row.Throughput = Figure(t.Median, (t.CIHigh-t.CILow)/2)
		row.Interval = fmt.Sprintf("%s – %s", Figure(t.CILow, (t.CIHigh-t.CILow)/2), Figure(t.CIHigh, (t.CIHigh-t.CILow)/2))
	}
	if cell.Ranked() && fastest.Ranked() {
		row.Against = against(rec, cell, fastest)
	}
	if l := cell.LatencyMS; l != nil {
		row.P50, row.P90 = optional(l.P50), optional(l.P90)
	}
	if u := cell.Utilization; u != nil {
		if u.CPUPercent != nil {
			row.CPU = fmt.Sprintf("%.0f", *u.CPUPercent)
		}
		if u.MemoryPeakBytes != nil {
			row.Memory = table.Bytes(*u.MemoryPeakBytes)
		}
	}
	if !cell.Ranked() {
		row.Notes = strings.TrimSpace(strings.ReplaceAll(cell.Status, "_", " ") + ": " + cell.Reason)
	}
	return row
}

// against tells a runner's ratio to the fastest one with the verdict.
func against(rec *record.Record, cell, fastest *record.Cell) string {
	if cell == fastest {
		return "fastest"
	}
	c, ok := rec.Comparison(cell.Workload, cell.Runner, fastest.Runner)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%.3g×, %s", c.Ratio, c.Verdict)
}

func optional(v *float64) string {
	if v == nil {
		return "–"
	}
	return Figure(*v, 0)
}

// Figure writes a number with the digits that its uncertainty leaves; without
// one, with three significant digits.
func Figure(v, uncertainty float64) string {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Sprint(v)
	}
	magnitude := int(math.Floor(math.Log10(math.Abs(v))))
	digits := 2 - magnitude
	if uncertainty > 0 {
		digits = 1 - int(math.Floor(math.Log10(uncertainty)))
	}
	digits = min(max(digits, 0), max(0, 4-magnitude))
	return fmt.Sprintf("%.*f", digits, v)
}

func intervalName(rec *record.Record) string {
	for _, c := range rec.Cells {
		if c.Throughput != nil {
			if c.Throughput.Level > 0 {
				return fmt.Sprintf("%.0f %% interval", 100*c.Throughput.Level)
			}
			return "range"
		}
	}
	return "interval"
}
