package history_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/reports/history"
	"github.com/dlbench/dlbench/workloads/fuzztest"
)

// kept is a history of one record, made once: what is tried is only the files
// beside it.
func kept(f *testing.F) *history.History {
	h := open(f)
	add(f, h, night(1))
	return h
}

// put gives a file of a history any bytes.
func put(t *testing.T, h *history.History, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(h.Dir(), name), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// oneLine refuses errors of several lines, and those that would be exit code 1:
// a file that is not what it should be is the user's matter.
func oneLine(t *testing.T, err error) {
	t.Helper()
	if err != nil && (strings.Contains(err.Error(), "\n") || !history.Unusable(err)) {
		t.Errorf("%q: not one line that says what is wrong", err)
	}
}

// FuzzBaselines: whatever stands in the file of names, each command answers.
func FuzzBaselines(f *testing.F) {
	f.Add([]byte(`{"baselines":{"a":"0123456789ab","b":["0123456789ab","ba9876543210"]}}`))
	f.Add([]byte(`{"baselines":{"a":[]}}`))
	f.Add([]byte(`{"baselines":null}{`))
	f.Add([]byte(`null`))
	h := kept(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		put(t, h, "baselines.json", data)
		fuzztest.Bounded(t, len(data), func() {
			all, err := h.Baselines(t.Context())
			oneLine(t, err)
			for _, b := range all {
				if b.Name == "" || b.ID == "" {
					t.Errorf("a baseline without a name or a record: %+v", b)
				}
				_, err := h.Baseline(t.Context(), b.Name)
				oneLine(t, err)
			}
		})
	})
}

// FuzzLabels: the same of what was said of records when they were added.
func FuzzLabels(f *testing.F) {
	f.Add([]byte(`{"labels":{"0123456789ab":{"machine":"a","branch":"main"}}}`))
	f.Add([]byte(`{"labels":{"":{}}}`))
	f.Add([]byte(`[]`))
	h := kept(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		put(t, h, "labels.json", data)
		fuzztest.Bounded(t, len(data), func() {
			_, err := h.List(t.Context(), history.Filter{})
			oneLine(t, err)
			_, _, err = h.Points(t.Context(), history.Series{Workload: workload, Runner: "pytorch", Metric: history.Throughput})
			oneLine(t, err)
		})
	})
}

// FuzzIndex: an index may hold anything; it is made anew from the records, and
// what was added is found.
func FuzzIndex(f *testing.F) {
	h := kept(f)
	whole, err := os.ReadFile(filepath.Join(h.Dir(), "index.sqlite"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint16(0), whole[:100])
	f.Add(uint16(4096), []byte("anything"))
	f.Add(uint16(60), []byte{0, 0, 0, 0})
	f.Add(uint16(5000), make([]byte, 4096))
	f.Fuzz(func(t *testing.T, at uint16, patch []byte) {
		data := append([]byte(nil), whole...)
		copy(data[int(at)%len(data):], patch)
		put(t, h, "index.sqlite", data)
		fuzztest.Bounded(t, len(data), func() {
			_, err := h.List(t.Context(), history.Filter{})
			oneLine(t, err)
			if err := os.Remove(filepath.Join(h.Dir(), "index.sqlite")); err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			again, err := h.List(t.Context(), history.Filter{})
			if err != nil || len(again) != 1 {
				t.Errorf("without an index the history has %d records, %v", len(again), err)
			}
		})
	})
}
