package history_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/history"
)

func small(day int) *record.Record {
	created := time.Date(2026, 1, day, 3, 4, 5, 0, time.UTC)
	return &record.Record{SchemaVersion: record.SchemaVersion, Suite: "smoke", Profile: "quick", Created: created, Updated: created,
		Status: record.Complete, Terms: record.Terms{Device: "cpu", Threads: 1, CPUs: "0"}, Environment: record.Environment{Host: "h", CPU: "c", Cgroup: "v2", Engine: "local"}}
}

func opened(t *testing.T) (*history.Store, string) {
	t.Helper()
	dir := t.TempDir()
	s, err := history.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return s, dir
}

func add(t *testing.T, s *history.Store, day int) string {
	t.Helper()
	id, err := s.Add(small(day))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func ids(t *testing.T, s *history.Store) string {
	t.Helper()
	entries, err := s.List()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		if e.Broken != "" || e.Suite != "smoke" {
			t.Errorf("entry %+v", e)
		}
		all = append(all, e.ID)
	}
	return strings.Join(all, " ")
}

func TestRecordsAreListedOldestFirstAndOnce(t *testing.T) {
	s, _ := opened(t)
	second, first := add(t, s, 2), add(t, s, 1)
	if add(t, s, 2) != second {
		t.Error("the same record has two names")
	}
	if got := ids(t, s); got != first+" "+second {
		t.Errorf("listed %s", got)
	}
	if r, err := s.Read(first); err != nil || r.Created.Day() != 1 {
		t.Errorf("read %v, %v", r, err)
	}
}

// Whatever happens to the index, the list is that of the files.
func TestTheIndexFollowsTheFiles(t *testing.T) {
	for name, harm := range map[string]func(dir, first string) error{
		"missing": func(dir, _ string) error { return os.Remove(filepath.Join(dir, "index.sqlite")) },
		"rubbish": func(dir, _ string) error {
			return os.WriteFile(filepath.Join(dir, "index.sqlite"), []byte(strings.Repeat("no database ", 999)), 0o644)
		},
		"cut short": func(dir, _ string) error { return os.Truncate(filepath.Join(dir, "index.sqlite"), 5000) },
		"empty":     func(dir, _ string) error { return os.Truncate(filepath.Join(dir, "index.sqlite"), 0) },
	} {
		s, dir := opened(t)
		first := add(t, s, 1)
		ids(t, s)
		if err := harm(dir, first); err != nil {
			t.Fatal(err)
		}
		second := add(t, s, 2)
		if got := ids(t, s); got != first+" "+second {
			t.Errorf("%s: listed %q", name, got)
		}
	}
	s, dir := opened(t)
	first, second := add(t, s, 1), add(t, s, 2)
	ids(t, s)
	if err := os.Remove(filepath.Join(dir, "records", first+".json")); err != nil {
		t.Fatal(err)
	}
	if got := ids(t, s); got != second {
		t.Errorf("after a file is gone: listed %q", got)
	}
	if err := s.Reindex(); err != nil || ids(t, s) != second {
		t.Errorf("after reindexing: %v, listed %q", err, ids(t, s))
	}
}

func TestABrokenFileIsNamedAndInNobodysWay(t *testing.T) {
	s, dir := opened(t)
	good, bad := add(t, s, 1), add(t, s, 2)
	if err := os.WriteFile(filepath.Join(dir, "records", bad+".json"), []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	entries, err := s.List()
	if err != nil || len(entries) != 2 || entries[0].ID != good || entries[0].Broken != "" || !strings.Contains(entries[1].Broken, bad) {
		t.Errorf("got %+v, %v", entries, err)
	}
}

func TestManyWriters(t *testing.T) {
	s, dir := opened(t)
	var wait sync.WaitGroup
	for day := 1; day <= 20; day++ {
		wait.Go(func() {
			own, err := history.Open(dir)
			if err == nil {
				_, err = own.Add(small(day))
			}
			if err == nil {
				_, err = own.List()
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if n := len(strings.Fields(ids(t, s))); n != 20 {
		t.Errorf("%d of 20 records are listed", n)
	}
}

func TestBaselines(t *testing.T) {
	s, _ := opened(t)
	first, second := add(t, s, 1), add(t, s, 2)
	for _, id := range []string{first, second} {
		if err := s.SetBaseline("main", id); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Baseline("main"); err != nil || got != id {
			t.Errorf("the baseline is %q, %v", got, err)
		}
	}
	var unknown *history.UnknownError
	if _, err := s.Baseline("other"); !errors.As(err, &unknown) {
		t.Errorf("an unknown baseline: %v", err)
	}
	if err := s.SetBaseline("main", "20260101T000000Z-000000000000"); !errors.As(err, &unknown) {
		t.Errorf("an unknown record: %v", err)
	}
	if err := s.SetBaseline("../main", first); !errors.Is(err, history.ErrName) {
		t.Errorf("a name that leaves the directory: %v", err)
	}
}
