package bench_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/timeline"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/bench/benchtest"
	"github.com/dlbench/dlbench/runners/manifest"
)

// building is a machine on which the images of the judge and of two runners have
// to be built: the one of "early" takes little, "late" a lot.
func building(t *testing.T) *inImages {
	m := newInImages(t, "early", "late")
	m.Answer("pull", "")
	m.toBuild(map[string]manifest.Image{benchtest.Judge: {Context: "reference"}, "early": {Context: "onnxruntime"}, "late": {Context: "tensorflow"}})
	return m
}

func TestRunnersAreVerifiedWhileOthersAreBuilt(t *testing.T) {
	m := building(t)
	verified := make(chan struct{})
	var once sync.Once
	times := filepath.Join(t.TempDir(), timeline.FileName)
	m.setup.Progress = &benchtest.Stage{OnStep: func(text string) {
		if strings.HasPrefix(text, "install tensorflow") { // as long as early is not verified
			for range 600 {
				if done, err := timeline.Read(times); err == nil && slices.ContainsFunc(done, func(s timeline.Step) bool { return s.Kind == timeline.Verify }) {
					once.Do(func() { close(verified) })
					return
				}
				time.Sleep(50 * time.Millisecond)
			}
		}
	}}
	o := m.options()
	o.SkipParity, o.Timeline = false, timeline.New(times, time.Now)
	rec, err := bench.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-verified:
	default:
		t.Error("early was not verified while late was built")
	}
	for _, name := range []string{"early", "late"} {
		if c := rec.Cell(workload, name); c.Parity.Status != record.ParityPassed || len(c.Processes) != 1 {
			t.Errorf("%s: %+v", name, c)
		}
	}
	done, err := timeline.Read(times)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	var built, begun time.Time
	for _, step := range done {
		counts[step.Kind]++
		if step.Kind == timeline.Image && step.End.After(built) {
			built = step.End
		}
		if step.Kind == timeline.Round {
			begun = step.Start
		}
	}
	// Seven layers; either runner is judged once.
	if want := fmt.Sprint(map[string]int{timeline.Image: 7, timeline.Verify: 2, timeline.Round: 1}); fmt.Sprint(counts) != want {
		t.Errorf("the steps are %v, want %s", counts, want)
	}
	if !begun.After(built) {
		t.Errorf("measuring began at %s, building ended at %s", begun, built)
	}
}

func TestAJudgeThatCannotBeBuiltEndsTheOthers(t *testing.T) {
	m := building(t)
	m.Fail("build", "E: no network\n")
	o := m.options()
	o.SkipParity = false
	_, err := bench.Run(t.Context(), o)
	benchtest.Check(t, err, bench.Environment, "E: no network")
	if left := m.Containers(); len(left) != 0 {
		t.Errorf("%v are left", left)
	}
}

// What is there already leaves nothing to wait for.
func TestNothingIsVerifiedAheadOfNothing(t *testing.T) {
	m := building(t)
	o := m.options()
	if _, err := bench.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	s := &benchtest.Stage{}
	m.setup.Progress = s
	o = m.options()
	o.SkipParity = false
	if _, err := bench.Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	for _, text := range strings.Split(s.Steps(), "\n") {
		if strings.Contains(text, "while images are built") || strings.HasPrefix(text, "install") {
			t.Errorf("with all images there: %q", text)
		}
	}
}
