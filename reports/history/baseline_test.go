package history_test

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/reports/history"
)

func TestBaselines(t *testing.T) {
	h := open(t)
	ids := add(t, h, night(0), night(1))
	for name, id := range map[string]string{"main": ids[0][:8], "v1.0": ids[1]} {
		if _, err := h.SetBaseline(t.Context(), name, id); err != nil {
			t.Fatal(err)
		}
	}
	must(t, os.Remove(filepath.Join(h.Dir(), "index.sqlite"))) // names are not kept there
	if nights, err := h.Baseline(t.Context(), "main"); err != nil || len(nights) != 1 || nights[0].ID != ids[0] {
		t.Errorf("main is %+v, %v", nights, err)
	}
	if _, err := h.SetBaseline(t.Context(), "main", ids[1]); err != nil {
		t.Fatal(err)
	}
	all, err := h.Baselines(t.Context())
	if err != nil || len(all) != 2 || all[0].Name != "main" || all[0].ID != ids[1] || all[0].Entry == nil || all[0].Entry.ID != ids[1] {
		t.Errorf("baselines are %+v, %v", all, err)
	}
	must(t, h.DropBaseline(t.Context(), "main"))
	for _, err := range []error{h.DropBaseline(t.Context(), "main"), second(h.Baseline(t.Context(), "main")),
		second(h.SetBaseline(t.Context(), "-x", ids[0])), second(h.SetBaseline(t.Context(), "x", "nothing"))} {
		var refused *history.Refusal
		if !errors.As(err, &refused) {
			t.Errorf("got %v, expected a refusal", err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestABaselineWhoseRecordIsGone(t *testing.T) {
	h := open(t)
	ids := add(t, h, night(0), night(1))
	_, err := h.SetBaseline(t.Context(), "main", ids[0])
	must(t, err)
	for _, name := range recordFiles(t, h) {
		if strings.Contains(name, ids[0]) {
			must(t, os.Remove(filepath.Join(h.Dir(), "records", name)))
		}
	}
	if _, err := h.Baseline(t.Context(), "main"); err == nil || !strings.Contains(err.Error(), "no longer in") {
		t.Errorf("got %v", err)
	}
	if all, err := h.Baselines(t.Context()); err != nil || len(all) != 1 || all[0].Entry != nil {
		t.Errorf("baselines are %+v, %v", all, err)
	}
}

func TestBrokenBaselinesAreNamedAndNothingIsRemoved(t *testing.T) {
	h := open(t)
	add(t, h, night(0), night(1))
	path := filepath.Join(h.Dir(), "baselines.json")
	for _, text := range []string{"", "{", `{"baselines": {"main": 5}}`, `{"baselines": {"main": "zz"}}`, `{"other": 1}`} {
		must(t, os.WriteFile(path, []byte(text), 0o644))
		_, err := h.Keep(t.Context(), 0)
		var refused *history.Refusal
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: got %v", text, err)
		}
	}
	if n := len(recordFiles(t, h)); n != 2 {
		t.Errorf("%d records are left", n)
	}
}

func TestKeepRemovesTheOldestAndNoBaseline(t *testing.T) {
	h := open(t)
	ids := add(t, h, night(0), night(1), night(2), night(3), night(4))
	_, err := h.SetBaseline(t.Context(), "first", ids[0])
	must(t, err)
	removed, err := h.Keep(t.Context(), 2)
	must(t, err)
	if len(removed) != 2 || removed[0].ID != ids[2] || removed[1].ID != ids[1] {
		t.Errorf("removed are %+v", removed)
	}
	if got, want := listed(t, h, history.Filter{}), []string{ids[4], ids[3], ids[0]}; !slices.Equal(got, want) || len(recordFiles(t, h)) != 3 {
		t.Errorf("left are %v, expected %v", got, want)
	}
	if removed, err := h.Keep(t.Context(), 5); err != nil || len(removed) != 0 {
		t.Error(removed, err)
	}
	if _, err := h.Keep(t.Context(), -1); err == nil {
		t.Error("-1 was accepted")
	}
}

func TestRemoveIsAllOrNothing(t *testing.T) {
	h := open(t)
	ids := add(t, h, night(0), night(1), night(2))
	_, err := h.SetBaseline(t.Context(), "main", ids[0])
	must(t, err)
	for _, chosen := range [][]string{{ids[1], ids[0]}, {ids[1], "ffffffffffff"}, {ids[1], ids[1]}} {
		if err := h.Remove(t.Context(), chosen...); err == nil {
			t.Errorf("removing %v was accepted", chosen)
		}
	}
	if n := len(recordFiles(t, h)); n != 3 {
		t.Fatalf("%d records are left", n)
	}
	must(t, h.Remove(t.Context(), ids[1], ids[2]))
	if got := listed(t, h, history.Filter{}); !slices.Equal(got, ids[:1]) {
		t.Errorf("left are %v", got)
	}
}
