package record_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
)

func TestABuiltRecordCanBeReadAgain(t *testing.T) {
	r := record.New(time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("CET", 3600)))
	r.AddWorkload(record.Workload{ID: "net/infer/b1/fp32", Mode: "infer", Batch: 1, InputShape: []int{1}})
	r.AddRunner(record.Runner{Name: "torch"})
	cell := r.AddCell(record.Cell{Workload: "net/infer/b1/fp32", Runner: "torch"})
	if cell.Status != record.Pending || cell.Parity.Status != record.ParitySkipped {
		t.Errorf("a new cell is %s with parity %s", cell.Status, cell.Parity.Status)
	}
	cell.Status, cell.Reason = record.Failed, "no memory"
	path := filepath.Join(t.TempDir(), "result.json")
	if err := record.Write(path, r); err != nil {
		t.Fatal(err)
	}
	read, err := record.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := read.Cell("net/infer/b1/fp32", "torch"); got == nil || got.Reason != "no memory" {
		t.Errorf("the cell that AddCell returned is not the record's: %+v", got)
	}
	if read.Status != record.Running || read.Created.Location() != time.UTC {
		t.Errorf("a new record is %s of %v", read.Status, read.Created)
	}
}

func TestAddCellKeepsWhatIsSaid(t *testing.T) {
	c := record.New(time.Time{}).AddCell(record.Cell{Status: record.Unsupported, Parity: record.Parity{Status: record.ParityPassed}})
	if c.Status != record.Unsupported || c.Parity.Status != record.ParityPassed {
		t.Errorf("the cell became %s with parity %s", c.Status, c.Parity.Status)
	}
}

func TestTheSameWarningIsThereOnce(t *testing.T) {
	r := record.New(time.Time{})
	about := record.AboutCell("w", "a")
	for range 2 {
		r.Warn(about, record.NotConverged, "after %d", 6)
		r.Warn(about, record.NotConverged, "after %d", 7)
		r.Warn(record.AboutRun, record.NotConverged, "after %d", 6)
	}
	if len(r.Warnings) != 3 || len(r.WarningsAbout(about)) != 2 || r.Warnings[1].Text != "after 7" {
		t.Errorf("the warnings are %+v", r.Warnings)
	}
}

func TestScopesInWords(t *testing.T) {
	for scope, want := range map[record.Scope]string{record.AboutRun: "the whole run", record.AboutRunner("a"): "a", record.AboutWorkload("w"): "w",
		record.AboutCell("w", "a"): "w/a", "odd": "odd"} {
		if got := scope.Words(); got != want {
			t.Errorf("%s is %q, expected %q", scope, got, want)
		}
	}
	if !record.AboutCell("w", "a").OneCell() || record.AboutRunner("a").OneCell() {
		t.Error("a cell's scope is not told from a runner's")
	}
}
