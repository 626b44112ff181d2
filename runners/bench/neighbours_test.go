package bench_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/bench/benchtest"
	"github.com/dlbench/dlbench/runners/engine/enginetest"
	"github.com/dlbench/dlbench/runners/presence"
)

func told(rec *record.Record) (texts []string) {
	for _, w := range rec.Warnings {
		if w.Code == record.OtherDlbench {
			texts = append(texts, w.Text)
		}
	}
	return texts
}

func TestAnotherDlbenchIsWarnedOfAndRefusedIfAsked(t *testing.T) {
	s := newStage(t, map[string]enginetest.Runner{"a": {}})
	if texts := told(s.run(s.options(), bench.Internal, "")); len(texts) != 0 {
		t.Errorf("it warns of itself: %q", texts)
	}
	o := s.options()
	cache, err := o.Host.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	other, err := presence.Claim(filepath.Join(cache, "processes"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if texts := told(s.run(o, bench.Internal, "")); len(texts) != 1 || !strings.Contains(texts[0], "process ") {
		t.Errorf("it warns of %q", texts)
	}
	o.Strict = []string{"other_dlbench"}
	if rec := s.run(o, bench.Environment, "--strict: other_dlbench (run): another dlbench is at work"); rec != nil {
		t.Errorf("something was measured beside the other one")
	}
	if err := other.Release(); err != nil {
		t.Fatal(err)
	}
	s.run(o, bench.Internal, "")
}

// One that begins while a run measures is in the record, too.
func TestADlbenchThatBeginsLaterIsWarnedOf(t *testing.T) {
	s := newStage(t, map[string]enginetest.Runner{"a": {}})
	o := s.options()
	cache, err := o.Host.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	var other *presence.Presence
	s.OnStep = func(text string) {
		if strings.HasPrefix(text, "round 1") && other == nil {
			if other, err = presence.Claim(filepath.Join(cache, "processes"), time.Now()); err != nil {
				t.Error(err)
			}
		}
	}
	if texts := told(s.run(o, bench.Internal, "")); len(texts) != 1 {
		t.Errorf("it warns of %q", texts)
	}
	if err := other.Release(); err != nil {
		t.Fatal(err)
	}
}

// One that has ended before the round does was at work all the same.
func TestADlbenchThatComesAndGoesIsWarnedOf(t *testing.T) {
	s := newStage(t, map[string]enginetest.Runner{"a": {}})
	o := s.options()
	cache, err := o.Host.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	s.OnStep = func(text string) {
		if !strings.HasPrefix(text, "round 1") {
			return
		}
		other, err := presence.Claim(filepath.Join(cache, "processes"), time.Now())
		if err != nil {
			t.Error(err)
			return
		}
		time.Sleep(1500 * time.Millisecond)
		if err := other.Release(); err != nil {
			t.Error(err)
		}
	}
	if texts := told(s.run(o, bench.Internal, "")); len(texts) != 1 {
		t.Errorf("it warns of %q", texts)
	}
}

// One with a cache of its own is known by its containers.
func TestAnotherCachesContainersAreANeighbour(t *testing.T) {
	m := newInImages(t, "a")
	id := m.Leave("dlbench.session=other-1", "dlbench.owner=1:1", "dlbench.pidns=pid:[1]", "dlbench.lock=/elsewhere/1.lock")
	m.Answer("inspect --format {{.State.Status}} {{json .Config.Labels}} "+id, `running {"dlbench.session":"other-1","dlbench.owner":"1:1","dlbench.pidns":"pid:[1]"}`)
	rec, err := bench.Run(t.Context(), m.options())
	if err != nil {
		t.Fatal(err)
	}
	if texts := told(rec); len(texts) != 1 || !strings.Contains(texts[0], "docker runs containers of its session other-1") {
		t.Errorf("it warns of %q", texts)
	}
	if left := m.Containers(); !slices.Equal(left, []string{id}) {
		t.Errorf("%v are left, want only the neighbour's", left)
	}
}

func TestImagesThatAreUsedAreNotRemoved(t *testing.T) {
	s := newStage(t, nil)
	o := s.options()
	cache, err := o.Host.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	use, err := bench.UseImages(t.Context(), cache, s)
	if err != nil {
		t.Fatal(err)
	}
	self, err := o.Host.Claim(cache)
	if err != nil {
		t.Fatal(err)
	}
	_, err = bench.ChangeImages(cache)
	benchtest.Check(t, err, bench.Environment, "another dlbench uses the images; process ")
	if err := use(); err != nil {
		t.Fatal(err)
	}
	change, err := bench.ChangeImages(cache)
	if err != nil {
		t.Fatal(err)
	}
	if err := change(); err != nil {
		t.Fatal(err)
	}
	if err := self.Release(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(cache, "processes")); err != nil {
		t.Error(err)
	}
}
