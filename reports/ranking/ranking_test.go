package ranking_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/ranking"
)

const workload = "lenet/infer/b8/fp32"

// A caveat stands beside the figure that it concerns, and beside no other.
func TestNotesAreTheCellsOwnCaveats(t *testing.T) {
	rec := &record.Record{
		Workloads: []record.Workload{{ID: workload, Batch: 8}},
		Cells: []record.Cell{
			{Workload: workload, Runner: "a", Status: record.Measured, Throughput: &record.Throughput{Median: 2}},
			{Workload: workload, Runner: "b", Status: record.Measured, Throughput: &record.Throughput{Median: 1}},
			{Workload: workload, Runner: "c", Status: record.NotRanked, Reason: "parity failed", Throughput: &record.Throughput{Median: 3}}},
		Warnings: []record.Warning{
			{Code: record.VirtualMachine, Scope: "run"},
			{Code: record.ForeignLoad, Scope: "cell:" + workload + "/a"},
			{Code: record.StealTime, Scope: "cell:" + workload + "/a"},
			{Code: record.ThreadsMismatch, Scope: "runner:c"},
			{Code: record.ForeignLoad, Scope: "cell:lenet/train/b8/fp32/b"}}}
	got := map[string]string{}
	for _, row := range ranking.Rows(rec, workload) {
		got[row.Runner] = row.Notes
	}
	for runner, want := range map[string]string{"a": "foreign_load, steal_time", "b": "", "c": "not ranked: parity failed, threads_mismatch"} {
		if got[runner] != want {
			t.Errorf("%s: %q, expected %q", runner, got[runner], want)
		}
	}
}

func ms(v float64) *float64 { return &v }

func TestScenariosAreSheetsOfTheirOwn(t *testing.T) {
	rec := &record.Record{Terms: record.Terms{LatencyBoundMS: 50},
		Workloads: []record.Workload{{ID: workload, Batch: 8}},
		Cells: []record.Cell{
			{Workload: workload, Runner: "a", Status: record.Measured,
				MultiStream: &record.MultiStreamed{ImagesPerQuery: 8, LatencyMS: record.Latency{P50: ms(4), N: 20}},
				Server: &record.Served{Rate: &record.Throughput{Median: 105, CILow: 100, CIHigh: 110},
					LatencyMS: &record.Latency{P50: ms(9), P99: ms(48)}, LagMS: &record.Latency{P50: ms(0.01), P99: ms(0.2)}}},
			{Workload: workload, Runner: "b", Status: record.Measured, Server: &record.Served{Over: 3}},
			{Workload: workload, Runner: "c", Status: record.Unsupported}}}
	want := []ranking.Sheet{
		{Title: "multi-stream, 8 images a query", Header: []string{"runner", "p50 ms", "p90 ms", "p95 ms", "p99 ms", "queries"},
			Rows: [][]string{{"a", "4.00", "–", "–", "–", "20"}}},
		{Title: "server, Poisson arrivals, p99 within 50 ms of the scheduled time",
			Header: []string{"runner", "queries/s", "interval", "p50 ms", "p99 ms", "lag p50 ms", "lag p99 ms", "notes"},
			Rows: [][]string{{"a", "105", "100 – 110", "9.00", "48.0", "0.0100", "0.200", ""},
				{"b", "–", "", "–", "–", "–", "–", "3 processes kept the bound at no rate"}}}}
	if diff := cmp.Diff(want, ranking.Scenarios(rec, workload)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if s := ranking.Scenarios(rec, "another/infer/b1/fp32"); len(s) != 0 {
		t.Errorf("a workload without scenarios has %v", s)
	}
}

// A share stands in the row of its cell; what it is a share of is told once.
func TestShareOfThePeak(t *testing.T) {
	rec := &record.Record{Environment: record.Environment{Peak: &record.Peak{GFLOPS: 200, BandwidthBytesPerSec: 5e10, Source: "MKL, 2048³", Threads: 2}},
		Workloads: []record.Workload{{ID: workload, Mode: "infer", Precision: "fp32", MACs: 5e8}, {ID: "b", Mode: "infer", Precision: "fp32", MACs: 5e8}, {ID: "c", Precision: "bf16", MACs: 5e8}},
		Cells: []record.Cell{{Workload: workload, Runner: "a", Status: record.Measured, Throughput: &record.Throughput{Median: 50}},
			{Workload: workload, Runner: "b", Status: record.Failed}, {Workload: "c", Runner: "a", Status: record.Measured, Throughput: &record.Throughput{Median: 50}}}}
	if rows := ranking.Rows(rec, workload); rows[0].Peak != "25.0" || rows[1].Peak != "–" {
		t.Errorf("got %+v", rows)
	}
	if rows := ranking.Rows(rec, "c"); rows[0].Peak != "–" {
		t.Errorf("a share of nothing: %+v", rows)
	}
	want := []string{"the peak in fp32 is 200 GFLOP/s and 50.0 GB/s, measured: MKL, 2048³",
		"no share of a peak is shown in bf16: no peak in bf16 was measured: the record names none"}
	if diff := cmp.Diff(want, ranking.Peaks(rec)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestOverallTellsTheMeanAndItsVerdict(t *testing.T) {
	rows := []record.Overall{
		{Mode: "infer", A: "b", B: "a", Ratio: 0.5, CILow: 0.48, CIHigh: 0.52, Level: 0.95, Workloads: 4, Verdict: record.Slower},
		{Mode: "train", A: "c", B: "a", Ratio: 0.9, CILow: 0.9, CIHigh: 0.9, Workloads: 1, Verdict: record.TooFew}}
	got := ranking.Overall(rows)
	want := [][]string{{"infer", "b", "a", "0.5000×", "0.4800 – 0.5200", "4", record.Slower}, {"train", "c", "a", "0.9000×", "", "1", record.TooFew}}
	if diff := cmp.Diff(want, got.Rows); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if len(ranking.Overall(nil).Rows) != 0 {
		t.Error("nothing has an overall")
	}
}
