package export_test

import (
	"bytes"
	"encoding/csv"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/export"
)

func TestScenariosAreExported(t *testing.T) {
	p99 := 4.5
	rec := &record.Record{Cells: []record.Cell{{Workload: "w", Runner: "a",
		MultiStream:   &record.MultiStreamed{ImagesPerQuery: 8, LatencyMS: record.Latency{P99: &p99, N: 700}},
		Server:        &record.Served{Rate: &record.Throughput{Median: 120, CILow: 110, CIHigh: 130, N: 6}, LatencyMS: &record.Latency{P99: &p99, N: 700}, Over: 2},
		SlidingWindow: &record.Windowed{Patches: 45, LatencyMS: record.Latency{P50: &p99, N: 9}, Rate: &record.Throughput{Median: 0.5, CILow: 0.4, CIHigh: 0.6, N: 3}}},
		{Workload: "w", Runner: "b", Server: &record.Served{Over: 6}}, {Workload: "w", Runner: "c"}}}
	var table, metrics bytes.Buffer
	if err := export.CSV(&table, rec); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&table).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for column, want := range map[string][]string{"multi_stream_p99_ms": {"4.5", "", ""}, "server_queries_per_s": {"120", "", ""}, "server_queries_per_s_high": {"130", "", ""},
		"server_p99_ms": {"4.5", "", ""}, "server_processes_over": {"2", "6", ""},
		"sliding_window_megavoxels_per_s": {"0.5", "", ""}, "sliding_window_megavoxels_per_s_high": {"0.6", "", ""}, "sliding_window_p50_ms": {"4.5", "", ""}, "sliding_window_p90_ms": {"", "", ""}, "sliding_window_patches": {"45", "", ""}} {
		i := slices.Index(rows[0], column)
		for n, v := range want {
			if i < 0 || rows[n+1][i] != v {
				t.Errorf("%s of cell %d is not %q: %v", column, n, v, rows[n+1])
			}
		}
	}
	if err := export.Prometheus(&metrics, rec); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`dlbench_multi_stream_latency_seconds{`, `quantile="0.99"} 0.0045`, `dlbench_server_queries_per_second{`, `} 120`, `dlbench_server_processes_over{`, `dlbench_sliding_window_seconds{`, `quantile="0.5"} 0.0045`, `dlbench_sliding_window_megavoxels_per_second{`, `} 0.5`} {
		if !strings.Contains(metrics.String(), want) {
			t.Errorf("metrics lack %s:\n%s", want, metrics.String())
		}
	}
}
