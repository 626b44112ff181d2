package html_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dlbench/dlbench/metrics/record"
)

// What was asked for beside throughput has its tables, with the warning of the
// cell beside the runner.
func TestScenariosAreShown(t *testing.T) {
	rec := campaign(thorough())
	w, runner := rec.Workloads[0].ID, rec.Cells[0].Runner
	v := func(ms float64) *float64 { return &ms }
	rec.Terms.LatencyBoundMS = 50
	c := rec.Cell(w, runner)
	c.MultiStream = &record.MultiStreamed{ImagesPerQuery: 8, LatencyMS: record.Latency{P50: v(4), P99: v(9), N: 700}}
	c.Server = &record.Served{Rate: &record.Throughput{Median: 105, CILow: 100, CIHigh: 110},
		LatencyMS: &record.Latency{P50: v(9), P99: v(48)}, LagMS: &record.Latency{P50: v(0.01), P99: v(4)}}
	rec.Terms.Volume, rec.Terms.Overlap = "448x448", 0.25
	c.SlidingWindow = &record.Windowed{Patches: 9, LatencyMS: record.Latency{P50: v(2500), Max: v(2600), N: 30}, Rate: &record.Throughput{Median: 0.08, CILow: 0.07, CIHigh: 0.09}}
	rec.Warnings = append(rec.Warnings, record.Warning{Code: record.ScheduleLag, Scope: c.Scope(), Text: "issued late"})
	page := render(t, rec)
	multi := rows(t, page, "resnet18-infer-b1-fp32-scenario-0-table")
	if want := []string{"runner", "p50 ms", "p90 ms", "p95 ms", "p99 ms", "queries"}; !cmp.Equal(multi[0], want) || len(multi) != 2 || !cmp.Equal(multi[1][1:], []string{"4.00", "–", "–", "9.00", "700"}) {
		t.Errorf("multi-stream: %v", multi)
	}
	server := rows(t, page, "resnet18-infer-b1-fp32-scenario-1-table")
	if len(server) != 2 || !strings.Contains(server[1][0], record.ScheduleLag) || !cmp.Equal(server[1][1:], []string{"105", "100 – 110", "9.00", "48.0", "0.0100", "4.00", ""}) {
		t.Errorf("server: %v", server)
	}
	windows := rows(t, page, "resnet18-infer-b1-fp32-scenario-2-table")
	if len(windows) != 2 || !cmp.Equal(windows[1][1:], []string{"0.0800", "0.0700 – 0.0900", "2.50", "–", "2.60", "30"}) || !strings.Contains(page, "448x448 by 9 patches that overlap by 25 %") {
		t.Errorf("sliding window: %v", windows)
	}
	if strings.Contains(render(t, campaign(thorough())), "-scenario-") {
		t.Error("a record without scenarios shows some")
	}
}
