package history_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/record/recordtest"
	"github.com/dlbench/dlbench/reports/history"
)

const workload = "lenet/infer/b8/fp32"

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// night is the record of one night: two runners, of which the second is not
// ranked. change makes it a special one.
func night(n int, change ...func(*record.Record)) *record.Record {
	created := epoch.AddDate(0, 0, n)
	p50, p99, peak := 5.0, 9.0, int64(1<<30)
	rec := &record.Record{
		SchemaVersion: record.SchemaVersion, DlbenchVersion: "0.1.0", Suite: "smoke", Profile: "report",
		Created: created, Updated: created.Add(time.Minute), Status: record.Complete, Rounds: 3,
		Environment: record.Environment{Host: "bench1", CPU: "EPYC 9654", Cores: 2, LogicalCPUs: 4, MemoryBytes: 16 << 30, Kernel: "6.1", Cgroup: "v2", Engine: "podman"},
		Terms:       record.Terms{Device: "cpu", Threads: 2, CPUs: "0-1", MemoryBytes: 8 << 30},
		Workloads: []record.Workload{{ID: workload, Digest: "d", Network: "lenet", Mode: "infer", Batch: 8, Precision: "fp32",
			InputShape: []int{8, 1, 28, 28}, Parameters: 61706, MACs: 416520}},
		Runners: []record.Runner{{Name: "pytorch", Framework: "PyTorch", FrameworkVersion: "2.9.0", Maintained: true, ImageID: "sha256:1"},
			{Name: "caffe", Framework: "Caffe", FrameworkVersion: "1.0"}},
		Cells: []record.Cell{
			{Workload: workload, Runner: "pytorch", FrameworkVersion: "2.9.0", Device: "cpu", Status: record.Measured,
				Parity:      record.Parity{Status: record.ParityPassed},
				Throughput:  &record.Throughput{Unit: "images/s", Median: 1000 + float64(n), CILow: 990, CIHigh: 1100 + float64(n), Level: 0.96, Interval: "order-statistic", N: 6},
				LatencyMS:   &record.Latency{P50: &p50, P99: &p99, N: 700},
				Utilization: &record.Utilization{MemoryPeakBytes: &peak}, Processes: processes(990, 1000+float64(n), 1100+float64(n))},
			{Workload: workload, Runner: "caffe", FrameworkVersion: "1.0", Device: "cpu", Status: record.NotRanked, Reason: "conv is off",
				Parity: record.Parity{Status: record.ParityFailed}}},
	}
	for _, c := range change {
		c(rec)
	}
	return rec
}

// processes are six, from the slowest to the fastest, with 700 latencies in all.
func processes(slowest, middle, fastest float64) []record.Process {
	var all []record.Process
	for round, speed := range []float64{slowest, middle, middle, middle, middle, fastest} {
		p := recordtest.Process(round, 8, speed)
		latencies := 100
		if round == 0 {
			latencies = 200
		}
		end := p.Blocks[0].EndNS
		p.Blocks = append(p.Blocks, record.Block{Scenario: record.SingleStream, Iterations: latencies, StartNS: end, EndNS: end + recordtest.Second,
			IterationNS: slices.Repeat([]int64{5e6}, latencies)})
		all = append(all, p)
	}
	return all
}

// written writes a record as a run would, and returns its path.
func written(t testing.TB, rec *record.Record) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "result.json")
	if err := record.Write(path, rec); err != nil {
		t.Fatal(err)
	}
	return path
}

// open is a history in a directory whose name an URL would misread.
func open(t testing.TB) *history.History {
	t.Helper()
	return at(t, filepath.Join(t.TempDir(), "a b?c#d%20e"))
}

func at(t testing.TB, dir string) *history.History {
	t.Helper()
	h, err := history.At(dir)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// add adds records and returns their IDs.
func add(t testing.TB, h *history.History, records ...*record.Record) []string {
	t.Helper()
	var ids []string
	for _, rec := range records {
		added, err := h.Add(t.Context(), written(t, rec))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, added[0].ID)
	}
	return ids
}

// listed are the IDs that a filter chooses.
func listed(t testing.TB, h *history.History, f history.Filter) []string {
	t.Helper()
	entries, err := h.List(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	ids := []string{}
	for _, e := range entries {
		ids = append(ids, e.ID)
	}
	return ids
}

// recordFiles are the names in the records' directory.
func recordFiles(t testing.TB, h *history.History) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(h.Dir(), "records"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// many writes n records straight into a history's directory, as cheaply as
// it can be done, and indexes them.
func many(t testing.TB, h *history.History, n int) {
	t.Helper()
	dir := filepath.Join(h.Dir(), "records")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		rec := night(0, func(r *record.Record) {
			r.Created = epoch.Add(time.Duration(i) * time.Hour)
			r.Cells[0].Throughput.Median = 1000 + float64(i*7919%13)
			if i > n/2 {
				r.Cells[0].Throughput.Median += 20
			}
		})
		data, err := record.Encode(rec)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%06d.json", i)), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, problems, err := h.Reindex(t.Context()); err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
}
