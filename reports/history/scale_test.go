package history_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/history"
)

// BenchmarkHundredThousandRecords is a history of years of a cluster: a hundred
// machines, a record an hour. docs/history.md has what it takes.
func BenchmarkHundredThousandRecords(b *testing.B) {
	const n = 100_000
	h := at(b, b.TempDir())
	writeShort(b, h, n)
	measure := func(name string, use func(*testing.B)) {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				use(b)
			}
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(m.Sys)/1e6, "MB-of-system")
		})
	}
	measure("reindex", func(b *testing.B) {
		if got, _, err := h.Reindex(b.Context()); got != n {
			b.Fatal(got, err)
		}
	})
	extra := n
	measure("add", func(b *testing.B) {
		extra++
		add(b, h, night(0, func(r *record.Record) { r.Created = epoch.Add(time.Duration(extra) * time.Hour); r.Updated = r.Created }))
	})
	measure("list", func(b *testing.B) {
		if got := len(listed(b, h, history.Filter{})); got < n {
			b.Fatal(got)
		}
	})
	measure("list of a machine since a month ago", func(b *testing.B) {
		f := history.Filter{Host: "n07", Since: epoch.Add((n - 700) * time.Hour)}
		if got := len(listed(b, h, f)); got != 7 {
			b.Fatal(got)
		}
	})
	measure("points of a machine", func(b *testing.B) {
		points, _, err := h.Points(b.Context(), history.Series{Workload: workload, Runner: "pytorch", Metric: history.Throughput, Host: "n07"})
		if len(points) != n/100 {
			b.Fatal(len(points), err)
		}
	})
}

// writeShort writes records of one process straight into a history's directory:
// of a hundred machines in turn, one every hour.
func writeShort(b *testing.B, h *history.History, n int) {
	b.Helper()
	dir := filepath.Join(h.Dir(), "records")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	for i := range n {
		data, err := record.Encode(night(0, func(r *record.Record) {
			r.Created = epoch.Add(time.Duration(i) * time.Hour)
			r.Updated = r.Created
			r.Environment.Host = fmt.Sprintf("n%02d", i%100)
			c := &r.Cells[0]
			speed := 1000 + float64(i*7919%13)
			c.Throughput = &record.Throughput{Unit: "images/s", Median: speed, CILow: speed, CIHigh: speed, Interval: "range", N: 1}
			c.LatencyMS, c.Utilization = nil, nil
			c.Processes = processes(speed, speed, speed)[:1]
			c.Processes[0].Blocks = c.Processes[0].Blocks[:1]
		}))
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, fmt.Sprintf("%06d.json", i)), data, 0o644)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
