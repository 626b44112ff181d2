package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
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
	sides, err := remeasured(t, p, rec, old, filepath.Join(dir, "check"))
	if err != nil {
		t.Fatal(err)
	}
	if same, why := sides.Both("reference"); same || why != "" {
		t.Fatalf("two images are called one (%t), or cannot be started: %s", same, why)
	}
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
		sides, err := remeasured(t, p, rec, old, filepath.Join(dir, "check"))
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

func remeasured(t *testing.T, p *program, result, baseline *record.Record, dir string) (stages, error) {
	t.Helper()
	setup := bench.Defaults().Setup
	setup.Host = p.host()
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
