// Package ranking orders a workload's cells and words what is known of each, in
// the same way for every report.
package ranking

import (
	"fmt"
	"sort"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/table"
)

// Row is a cell as every textual report shows it.
type Row struct {
	Runner, Version, Throughput, Interval, Against, Peak, P50, P90, CPU, Memory, Parity, Notes string // Peak: per cent of it
}

// Rows are a workload's cells: the ranked ones, fastest first, then the others.
func Rows(rec *record.Record, workload string) []Row {
	cells := Cells(rec, workload)
	var rows []Row
	for _, cell := range cells {
		rows = append(rows, rowOf(rec, cell, cells[0]))
	}
	return rows
}

// Ranked is the table of a workload's rows; interval is what stands beside the
// medians.
func Ranked(title, interval string, rows []Row) Sheet {
	s := Sheet{Title: title, Header: []string{"runner", "version", "images/s", interval, "against fastest", "% of peak", "p50 ms", "p90 ms", "CPU %", "memory", "parity", "notes"}}
	for _, r := range rows {
		s.Rows = append(s.Rows, []string{r.Runner, r.Version, r.Throughput, r.Interval, r.Against, r.Peak, r.P50, r.P90, r.CPU, r.Memory, r.Parity, r.Notes})
	}
	return s
}

// RankedNumbers are the columns of Ranked that hold a number.
func RankedNumbers() []int { return []int{2, 5, 6, 7, 8, 9} }

// Cells are a workload's cells: the ranked ones, fastest first, then the others.
func Cells(rec *record.Record, workload string) []*record.Cell {
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
		row.Interval = figureSpan(t.CILow, t.CIHigh, (t.CIHigh-t.CILow)/2)
	}
	if cell.Ranked() && fastest.Ranked() {
		row.Against = against(rec, cell, fastest)
	}
	row.Peak = PercentOfPeak(summary.PercentOfPeak(rec, cell))
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
	row.Notes = notes(rec, cell)
	return row
}

// notes are why a cell is not ranked, and the codes of the warnings about it:
// a caveat stands beside the figure that it concerns, its text among the
// report's warnings.
func notes(rec *record.Record, cell *record.Cell) string {
	var parts []string
	if !cell.Ranked() {
		parts = append(parts, strings.TrimSpace(strings.ReplaceAll(cell.Status, "_", " ")+": "+cell.Reason))
	}
	return strings.Join(append(parts, rec.CodesAbout(cell)...), ", ")
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
	return Times(c.Ratio) + ", " + c.Verdict
}

func optional(v *float64) string {
	if v == nil {
		return "–"
	}
	return Figure(*v, 0)
}
