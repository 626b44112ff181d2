package ranking

import (
	"fmt"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/table"
)

// Sheet is a table that every textual report shows alike.
type Sheet struct {
	Title  string
	Header []string
	Rows   [][]string
}

// Table is the sheet as the terminal shows it.
func (s Sheet) Table() *table.Table {
	t := table.New(s.Header...)
	for _, row := range s.Rows {
		t.Add(row...)
	}
	return t
}

// Scenarios are what was measured of a workload beside throughput and single
// streams: a sheet for each scenario that some cell has.
func Scenarios(rec *record.Record, workload string) []Sheet {
	multi := Sheet{Header: []string{"runner", "p50 ms", "p90 ms", "p95 ms", "p99 ms", "queries"}}
	server := Sheet{Title: fmt.Sprintf("server, Poisson arrivals, p99 within %g ms of the scheduled time", rec.Terms.LatencyBoundMS),
		Header: []string{"runner", "queries/s", IntervalName(rec), "p50 ms", "p99 ms", "lag p50 ms", "lag p99 ms", "notes"}}
	windows := Sheet{Header: []string{"runner", "megavoxels/s", IntervalName(rec), "p50 s", "p90 s", "max s", "volumes"}}
	for _, cell := range Cells(rec, workload) {
		if m := cell.MultiStream; m != nil {
			l := m.LatencyMS
			multi.Title = fmt.Sprintf("multi-stream, %d images a query", m.ImagesPerQuery)
			multi.Rows = append(multi.Rows, []string{cell.Runner, optional(l.P50), optional(l.P90), optional(l.P95), optional(l.P99), fmt.Sprint(l.N)})
		}
		if s := cell.Server; s != nil {
			server.Rows = append(server.Rows, servedRow(cell.Runner, s))
		}
		if w := cell.SlidingWindow; w != nil {
			windows.Title = fmt.Sprintf("sliding window, %s by %d patches that overlap by %g %%, from host memory to host memory", rec.Terms.Volume, w.Patches, 100*rec.Terms.Overlap)
			windows.Rows = append(windows.Rows, windowedRow(cell.Runner, w))
		}
	}
	var sheets []Sheet
	for _, s := range []Sheet{multi, server, windows} {
		if len(s.Rows) > 0 {
			sheets = append(sheets, s)
		}
	}
	return sheets
}

func windowedRow(runner string, w *record.Windowed) []string {
	seconds := func(ms *float64) string {
		if ms == nil {
			return optional(nil)
		}
		v := *ms / 1e3
		return optional(&v)
	}
	r, l := w.Rate, w.LatencyMS
	return []string{runner, Figure(r.Median, 0), figureSpan(r.CILow, r.CIHigh, 0), seconds(l.P50), seconds(l.P90), seconds(l.Max), fmt.Sprint(l.N)}
}

func servedRow(runner string, s *record.Served) []string {
	row := []string{runner, "–", "", "–", "–", "–", "–", ""}
	if r := s.Rate; r != nil {
		row[1] = Figure(r.Median, 0)
		row[2] = figureSpan(r.CILow, r.CIHigh, 0)
	}
	if s.LatencyMS != nil && s.LagMS != nil {
		row[3], row[4], row[5], row[6] = optional(s.LatencyMS.P50), optional(s.LatencyMS.P99), optional(s.LagMS.P50), optional(s.LagMS.P99)
	}
	if s.Over > 0 {
		row[7] = fmt.Sprintf("%d processes kept the bound at no rate", s.Over)
	}
	return row
}
