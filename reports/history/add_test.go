package history_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/history"
)

// TestMain is a process that adds results when the environment says so: several
// of them are what TestProcessesAddAtOnce is about.
func TestMain(m *testing.M) {
	if dir := os.Getenv("HISTORY_TEST_DIR"); dir != "" {
		os.Exit(addEach(dir, os.Args[1:]))
	}
	os.Exit(m.Run())
}

func addEach(dir string, paths []string) int {
	h, err := history.At(dir)
	if err != nil {
		return 1
	}
	for _, path := range paths {
		if _, err := h.Add(context.Background(), path); err != nil {
			_, _ = os.Stderr.WriteString(err.Error() + "\n")
			return 1
		}
	}
	return 0
}

func TestAddKeepsTheBytesUnderATellingName(t *testing.T) {
	h := open(t)
	rec := night(0, func(r *record.Record) { r.Suite, r.Environment.Host = "My Suite", "../../Host" })
	path := written(t, rec)
	added, err := h.Add(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if want := regexp.MustCompile(`^20260102T030405Z-my-suite-host-[0-9a-f]{12}\.json$`); !want.MatchString(filepath.Base(added[0].Path)) {
		t.Errorf("the record is kept as %s", added[0].Path)
	}
	given, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := os.ReadFile(added[0].Path)
	if err != nil || string(kept) != string(given) {
		t.Errorf("the copy differs from the result (%v)", err)
	}
	if !added[0].New {
		t.Error("the record is not called new")
	}
}

func TestTheSameRecordIsNoSecondOne(t *testing.T) {
	h := open(t)
	path := written(t, night(0))
	compact := filepath.Join(t.TempDir(), "compact.json")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(compact, []byte(strings.ReplaceAll(string(data), "\n", "\n\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	first, err := h.Add(t.Context(), path, path)
	if err != nil {
		t.Fatal(err)
	}
	again, err := h.Add(t.Context(), compact)
	if err != nil {
		t.Fatal(err)
	}
	if first[1].New || again[0].New || again[0].ID != first[0].ID {
		t.Errorf("added %+v, then %+v", first, again)
	}
	if n := len(recordFiles(t, h)); n != 1 {
		t.Errorf("%d files", n)
	}
	if later := add(t, h, night(0, func(r *record.Record) { r.Rounds = 4 })); later[0] == first[0].ID {
		t.Error("another record got the same ID")
	}
}

func TestABadResultLeavesTheHistoryAsItWas(t *testing.T) {
	h := open(t)
	add(t, h, night(0))
	bad := filepath.Join(t.TempDir(), "bad.json")
	if err := os.WriteFile(bad, []byte(`{"schema_version": 1, "suite": "smo`), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := h.Add(t.Context(), written(t, night(1)), bad)
	var invalid *record.InvalidError
	if !errors.As(err, &invalid) || invalid.File != bad {
		t.Errorf("got %v, expected an error that names %s", err, bad)
	}
	if n := len(recordFiles(t, h)); n != 1 {
		t.Errorf("%d files, expected the one that was there", n)
	}
}

func TestADamagedCopyIsReplacedByAddingItAgain(t *testing.T) {
	h := open(t)
	path := written(t, night(0))
	first, err := h.Add(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(first[0].Path, 100); err != nil {
		t.Fatal(err)
	}
	again, err := h.Add(t.Context(), path)
	if err != nil || !again[0].New {
		t.Fatal(again, err)
	}
	if ids := listed(t, h, history.Filter{}); len(ids) != 1 || ids[0] != first[0].ID {
		t.Errorf("listed are %v", ids)
	}
	if problems, err := h.Problems(t.Context()); err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
}

func TestManyAddAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "history")
	const writers, each = 12, 4
	var wg sync.WaitGroup
	for w := range writers {
		paths := []string{written(t, night(0))} // all add this one too
		for i := range each {
			paths = append(paths, written(t, night(1+w*each+i)))
		}
		wg.Go(func() {
			h, err := history.At(dir)
			if err == nil {
				for _, path := range paths {
					if _, err = h.Add(t.Context(), path); err != nil {
						break
					}
					if _, err = h.List(t.Context(), history.Filter{}); err != nil {
						break
					}
				}
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	wantRecords(t, at(t, dir), 1+writers*each)
}

func TestProcessesAddAtOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "history")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const processes, each = 4, 5
	var wg sync.WaitGroup
	for p := range processes {
		args := []string{written(t, night(0))}
		for i := range each {
			args = append(args, written(t, night(1+p*each+i)))
		}
		wg.Go(func() {
			command := exec.CommandContext(t.Context(), program, args...)
			command.Env = append(os.Environ(), "HISTORY_TEST_DIR="+dir)
			if out, err := command.CombinedOutput(); err != nil {
				t.Errorf("process %d: %v\n%s", p, err, out)
			}
		})
	}
	wg.Wait()
	wantRecords(t, at(t, dir), 1+processes*each)
}

// wantRecords checks that files, index and a new index agree on the count.
func wantRecords(t *testing.T, h *history.History, want int) {
	t.Helper()
	before := listed(t, h, history.Filter{})
	n, problems, err := h.Reindex(t.Context())
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	if after := listed(t, h, history.Filter{}); n != want || len(recordFiles(t, h)) != want || len(before) != want || !slices.Equal(before, after) {
		t.Errorf("%s records wanted: %d files, %d in the index, %d in a new one", strconv.Itoa(want), len(recordFiles(t, h)), len(before), n)
	}
}
