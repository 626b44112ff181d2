package reports_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports"
)

func TestLatestPointsAtTheNewestRun(t *testing.T) {
	results := filepath.Join(t.TempDir(), "results")
	latest := filepath.Join(results, "latest")
	for _, run := range []string{"first", "second", "second"} {
		dir := filepath.Join(results, run)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := reports.Save(dir, &record.Record{SchemaVersion: record.SchemaVersion, Suite: run}); err != nil {
			t.Fatal(err)
		}
		if target, err := os.Readlink(latest); err != nil || target != run {
			t.Errorf("after %s latest is %q, %v", run, target, err)
		}
		for _, file := range []string{"result.json", "report.html", "summary.md"} {
			if _, err := os.Stat(filepath.Join(latest, file)); err != nil {
				t.Error(err)
			}
		}
	}
	entries, err := os.ReadDir(results)
	if err != nil || len(entries) != 3 {
		t.Errorf("results has %v, %v; want first, second and latest", entries, err)
	}
}

func TestARunElsewhereMovesNoLink(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "elsewhere", "run")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := reports.Save(dir, &record.Record{SchemaVersion: record.SchemaVersion}); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(entries) != 1 {
		t.Errorf("it made %v, %v", entries, err)
	}
}

// TestARunThatIsCalledLatestBreaksNoOther: a link cannot take the name of a
// directory, and needs not.
func TestARunThatIsCalledLatestBreaksNoOther(t *testing.T) {
	results := filepath.Join(t.TempDir(), "results")
	for _, run := range []string{"latest", "second"} {
		dir := filepath.Join(results, run)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := reports.Save(dir, &record.Record{SchemaVersion: record.SchemaVersion, Suite: run}); err != nil {
			t.Fatal(err)
		}
	}
	if entries, err := os.ReadDir(results); err != nil || len(entries) != 2 {
		t.Errorf("results has %v, %v; want latest and second", entries, err)
	}
}
