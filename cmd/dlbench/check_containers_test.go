package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample"
	"github.com/dlbench/dlbench/reports/gate"
	"github.com/dlbench/dlbench/runners/bench"
)

// TestCheckMeasuresAgainInContainers starts both sides of a check from their
// images: the reference's, and one made from it that is slowed.
func TestCheckMeasuresAgainInContainers(t *testing.T) {
	if os.Getenv("DLBENCH_TEST_CONTAINERS") != "1" {
		t.Skip("DLBENCH_TEST_CONTAINERS=1 runs it")
	}
	dir := t.TempDir()
	var out, log strings.Builder
	p := &program{stdout: &out, stderr: &log, getenv: os.Getenv, environ: os.Environ, now: time.Now, width: 200, openGPU: sample.OpenGPU}
	if code := p.run(t.Context(), []string{"dlbench", "run", "--runner", "reference", "--workload", "lenet/infer/b2/fp32", "--rounds", "1", "--out", filepath.Join(dir, "old")}); code != 0 {
		t.Fatalf("run exits with %d: %s", code, log.String())
	}
	rec, err := record.Read(filepath.Join(dir, "old", "result.json"))
	if err != nil {
		t.Fatal(err)
	}
	engine := rec.Environment.Engine
	build := exec.Command(engine, "build", "--quiet", "--tag", "dlbench-test/slowed", "-")
	build.Stdin = strings.NewReader("FROM " + rec.Runners[0].ImageID + "\nENV DLBENCH_SLOWDOWN=0.5\n")
	id, err := build.CombinedOutput()
	if err != nil {
		t.Fatalf("build the slowed image: %v: %s", err, id)
	}
	t.Cleanup(func() { _ = exec.Command(engine, "rmi", "dlbench-test/slowed").Run() })
	before := rec.Runners[0].ImageID
	rec.Runners[0].ImageID = strings.TrimPrefix(last(strings.Fields(string(id))), "sha256:")
	old, err := record.Read(filepath.Join(dir, "old", "result.json"))
	if err != nil {
		t.Fatal(err)
	}
	watched := &watched{}
	sides, err := remeasured(t, p, rec, old, filepath.Join(dir, "check"), watched)
	if err != nil {
		t.Fatal(err)
	}
	if same, why := sides.Both("reference"); same || why != "" {
		t.Fatalf("two images are called one (%t), or cannot be started: %s", same, why)
	}
	interruptStage(t, sides, watched, filepath.Join(dir, "check", "stage2"), engine)
	stage, err := sides.Stage(t.Context(), 1, 1, []gate.Pair{{Workload: "lenet/infer/b2/fp32", Runner: "reference"}})
	if err := errors.Join(err, sides.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	for name, slowed := range map[string]bool{"reference": true, gate.BaselineName("reference"): false} {
		r, cell := stage.Runner(name), stage.Cell("lenet/infer/b2/fp32", name)
		if _, said := r.Terms.Switches["injected_slowdown"]; said != slowed || cell.Status != record.Measured || len(cell.Processes) != 1 {
			t.Errorf("%s: image %.12s, switches %v, %s: %s; expected slowed: %t", name, r.ImageID, r.Terms.Switches, cell.Status, cell.Reason, slowed)
		}
	}
	for id, want := range map[string]string{strings.Repeat("0", 64): "the image of the result is not here", before: ""} {
		rec.Runners[0].ImageID = id
		sides, err := remeasured(t, p, rec, old, filepath.Join(dir, "check"), nil)
		if err != nil {
			t.Fatal(err)
		}
		same, why := sides.Both("reference")
		if same != (id == before) || !strings.HasPrefix(why, want) {
			t.Errorf("image %.12s: same %t, %q", id, same, why)
		}
		if err := sides.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// watched is a progress that says when measuring has begun.
type watched struct{ began func() }

func (w *watched) Step(text string, _ float64, _ time.Duration) {
	if w.began != nil && strings.HasPrefix(text, "round ") {
		w.began()
	}
}
func (*watched) Detail(string)      {}
func (*watched) Say(string, ...any) {}

// interruptStage cancels a stage while it measures: its record says so, and no
// container is left.
func interruptStage(t *testing.T, sides stages, w *watched, dir, command string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var once sync.Once
	w.began = func() { once.Do(func() { time.AfterFunc(2*time.Second, cancel) }) } // a process is at work by then
	defer func() { w.began = nil }()
	_, err := sides.Stage(ctx, 2, 50, []gate.Pair{{Workload: "lenet/infer/b2/fp32", Runner: "reference"}})
	if bench.KindOf(err) != bench.Interrupted {
		t.Errorf("the interrupted stage ends with %v", err)
	}
	if rec, err := record.Read(filepath.Join(dir, "result.json")); err != nil || rec.Status != record.Interrupted {
		t.Errorf("its record is %v, %v", rec, err)
	}
	if left, err := exec.Command(command, "ps", "--all", "--quiet", "--filter", "ancestor=dlbench-test/slowed").CombinedOutput(); err != nil || len(left) > 0 {
		t.Errorf("containers are left: %s, %v", left, err)
	}
}

func remeasured(t *testing.T, p *program, result, baseline *record.Record, dir string, g bench.Progress) (stages, error) {
	t.Helper()
	setup := bench.Defaults().Setup
	setup.Host, setup.Progress = p.host(), g
	kept := stageFiles{}
	t.Cleanup(func() {
		if err := kept.lost(); err != nil {
			t.Error(err)
		}
	})
	r, err := bench.Remeasure(t.Context(), bench.Sides{Setup: setup, Result: result, Baseline: baseline, BaselineName: gate.BaselineName, Dir: dir, Save: kept.save})
	return stages{r}, err
}

func last(words []string) string { return words[len(words)-1] }
