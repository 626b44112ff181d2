package reports_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
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

// TestAPageThatCannotBeWrittenDoesNotStayAsItWas: one of an earlier round would
// pass for this one's.
func TestAPageThatCannotBeWrittenDoesNotStayAsItWas(t *testing.T) {
	dir := t.TempDir()
	rec := &record.Record{SchemaVersion: record.SchemaVersion, Suite: "first"}
	if err := reports.Save(dir, rec); err != nil {
		t.Fatal(err)
	}
	summary, page := filepath.Join(dir, "summary.md"), filepath.Join(dir, "report.html")
	if err := errors.Join(os.Remove(summary), os.MkdirAll(filepath.Join(summary, "in the way"), 0o755)); err != nil {
		t.Fatal(err)
	}
	rec.Suite = "second"
	if err := reports.Save(dir, rec); err == nil {
		t.Error("a page was not written, and nothing was said")
	}
	if _, err := os.Stat(page); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the report is there: %v", err)
	}
	data, err := os.ReadFile(filepath.Join(dir, "result.json"))
	if err != nil || !strings.Contains(string(data), "second") {
		t.Errorf("the record is %s, %v", data, err)
	}
}

// TestRoomIsKeptForTheLastRecord: a run's record says how it ended although
// others have filled the disk.
func TestRoomIsKeptForTheLastRecord(t *testing.T) {
	dir := t.TempDir()
	reserve := filepath.Join(dir, ".reserve")
	rec := &record.Record{SchemaVersion: record.SchemaVersion, Status: record.Running}
	for _, suite := range []string{"s", strings.Repeat("longer", 1000)} {
		rec.Suite = suite
		if err := reports.Save(dir, rec); err != nil {
			t.Fatal(err)
		}
		kept, err := os.Stat(filepath.Join(dir, "result.json"))
		if err != nil {
			t.Fatal(err)
		}
		if room, err := os.Stat(reserve); err != nil || room.Size() < kept.Size() {
			t.Errorf("for a record of %d bytes: %v, %v", kept.Size(), room, err)
		}
	}
	rec.Status = record.Complete
	if err := reports.Save(dir, rec); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(reserve); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is left behind: %v", err)
	}
}

// TestADirectoryThatWasRemovedIsMadeAgain: what was measured is not lost with it.
func TestADirectoryThatWasRemovedIsMadeAgain(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there")
	if err := reports.Save(dir, &record.Record{SchemaVersion: record.SchemaVersion}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "result.json")); err != nil {
		t.Error(err)
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
