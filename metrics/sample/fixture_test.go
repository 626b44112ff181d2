package sample_test

import (
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample"
)

// tree writes files under a new root.
func tree(t testing.TB, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		write(t, filepath.Join(root, name), files[name])
	}
	return root
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// reading is what a source says of each of its channels now.
func reading(s sample.Source) map[string]sample.Reading {
	channels := s.Channels()
	into := make([]sample.Reading, len(channels))
	s.Read(into)
	byName := map[string]sample.Reading{}
	for i, c := range channels {
		byName[c.Name] = into[i]
	}
	return byName
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-9*max(1, math.Abs(want))) {
		t.Errorf("%s is %v, expected %v", what, got, want)
	}
}

// says checks the figures that a source has and the reasons of those that it
// has not, by a part of their text.
func says(t *testing.T, s sample.Source, values map[string]float64, reasons map[string]string) {
	t.Helper()
	for name, r := range reading(s) {
		want, has := values[name]
		part, lacks := reasons[name]
		switch {
		case has && r.Err != nil:
			t.Errorf("%s misses: %v", name, r.Err)
		case has:
			near(t, name, r.Value, want)
		case !lacks:
			t.Errorf("%s is not expected: %+v", name, r)
		case r.Err == nil || !strings.Contains(r.Err.Error(), part):
			t.Errorf("%s is %+v, expected the reason %q", name, r, part)
		}
	}
}

const (
	cpuName       = record.SeriesCPU
	memoryName    = record.SeriesMemory
	throttledName = record.SeriesThrottled
)
