package cluster_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/cluster"
)

// element opens a shard as its job on a node does.
func (s *scripted) element(index, node string) (*cluster.Element, error) {
	variables := map[string]string{"SLURMD_NODENAME": node, "SLURM_ARRAY_JOB_ID": "12", "SLURM_ARRAY_TASK_ID": index}
	return cluster.OpenElement(s.run.Dir, index, bench.Host{Getenv: func(name string) string { return variables[name] }, Environ: os.Environ, Now: time.Now})
}

func TestAnElementIsAnOrdinaryRun(t *testing.T) {
	s := newScripted(t)
	if err := s.begin(record.ByWorkloads, 2); err != nil {
		t.Fatal(err)
	}
	e, err := s.element("1", "n2")
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	dir := cluster.ShardDir(s.run.Dir, 1)
	arguments := func(e *cluster.Element) string {
		t.Helper()
		args, err := e.Arguments()
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(args, " ")
	}
	if got, want := arguments(e), "--rounds=2 --workload=lenet/infer/b2/fp32 --out="+dir; got != want {
		t.Errorf("it runs %q, expected %q", got, want)
	}
	s.leaves(1, "n2", record.Interrupted, false)
	if got, want := arguments(e), "--rounds=2 --workload=lenet/infer/b2/fp32 --resume="+dir; got != want {
		t.Errorf("where it began it goes on by %q, expected %q", got, want)
	}
	// Requeued by Slurm to another node: a record is that of one machine.
	moved, err := s.element("1", "n1")
	if err != nil {
		t.Fatal(err)
	}
	if err := moved.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := arguments(moved), "--rounds=2 --workload=lenet/infer/b2/fp32 --out="+dir; got != want {
		t.Errorf("on another node it runs %q, expected %q", got, want)
	}
	if _, err := os.Stat(filepath.Join(dir, "on-n2", "result.json")); err != nil {
		t.Errorf("what n2 measured is gone: %v", err)
	}
	s.leaves(1, "n1", record.Complete, true)
	if args, err := moved.Arguments(); args != nil || err != nil {
		t.Errorf("a complete record is measured again: %v, %v", args, err)
	}
	for _, bad := range []string{"2", "-1", "x"} {
		if _, err := s.element(bad, "n1"); bench.KindOf(err) != bench.Usage {
			t.Errorf("shard %s: %v", bad, err)
		}
	}
	if _, err := s.element("1", ""); bench.KindOf(err) != bench.Usage {
		t.Errorf("without Slurm: %v", err)
	}
}

func TestEachNodeIsMeasuredOnce(t *testing.T) {
	s := newScripted(t)
	if err := s.begin(record.ByNodes, 2); err != nil {
		t.Fatal(err)
	}
	begin := func(index, node string) error {
		t.Helper()
		e, err := s.element(index, node)
		if err != nil {
			t.Fatal(err)
		}
		return e.Begin(t.Context())
	}
	if err := begin("0", "n1"); err != nil {
		t.Fatal(err)
	}
	if got := s.given("scontrol"); got != "update\nJobId=12\nExcNodeList=n1\n" {
		t.Errorf("scontrol was given %q", got)
	}
	if err := begin("1", "n1"); bench.KindOf(err) != bench.Environment || !strings.Contains(err.Error(), "node n1 is that of shard 0") {
		t.Errorf("a second shard on the node: %v", err)
	}
	if err := begin("0", "n1"); err != nil { // requeued
		t.Error(err)
	}
	if err := begin("0", "n2"); err != nil { // and moved: its first node is free again
		t.Error(err)
	}
	if err := begin("1", "n1"); err != nil {
		t.Error(err)
	}
}

func TestTheRunnerGetsTheCardsThatSlurmGave(t *testing.T) {
	for _, c := range []struct{ device, given, want, wrong string }{
		{"cpu", "", "cpu", ""},
		{"gpu", "2,3", "gpu:2", ""},
		{"gpu", "GPU-8d3f0000", "gpu:GPU-8d3f0000", ""},
		{"gpu:1", "2,3", "gpu:3", ""},
		{"gpu:0,1", "MIG-a,MIG-b", "gpu:MIG-a,MIG-b", ""},
		{"gpu:GPU-8d", "2", "gpu:GPU-8d", ""},
		{"gpu:2", "2,3", "", "Slurm gave this job 2 GPUs (CUDA_VISIBLE_DEVICES=2,3), there is no number 2"},
		{"gpu", "", "", "Slurm gave this job no GPU"},
		{"gpu", "NoDevFiles", "", "Slurm gave this job no GPU"},
	} {
		got, err := cluster.GivenDevice(c.device, c.given)
		if got != c.want || (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s of %q is %q, %v, expected %q %q", c.device, c.given, got, err, c.want, c.wrong)
		}
	}
}

// The script is what a shell makes of it: directories have all kinds of names.
func TestTheScriptNamesTheDirectoryWhateverItIsCalled(t *testing.T) {
	s := newScripted(t)
	strange := filepath.Join(t.TempDir(), `it's "$HOME" ; echo * 100%`)
	if err := os.MkdirAll(strange, 0o755); err != nil {
		t.Fatal(err)
	}
	s.run.Dir = strange
	if err := s.begin(record.ByWorkloads, 2); err != nil {
		t.Fatal(err)
	}
	program := "#!/bin/sh\nprintf '%s\\n' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(strange, "dlbench"), []byte(program), 0o755); err != nil {
		t.Fatal(err)
	}
	command := exec.Command(filepath.Join(strange, "job.sh"))
	command.Env = append(os.Environ(), "SLURM_ARRAY_TASK_ID=1")
	out, err := command.CombinedOutput()
	if got := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n"); err != nil || !slices.Equal(got, []string{"shard", strange, "1"}) {
		t.Errorf("it starts %q, %v", got, err)
	}
	s.run.Dir = `back\slash`
	if err := s.begin(record.ByWorkloads, 2); bench.KindOf(err) != bench.Usage {
		t.Errorf("a backslash: %v", err)
	}
}

func TestPlansThatAreNone(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON": "{", "another schema": `{"schema_version": 2}`, "no shards": `{"schema_version": 1}`,
		"an index that is not its place": `{"schema_version": 1, "shards": [{"index": 1, "workloads": ["a"]}]}`,
		"a shard without work":           `{"schema_version": 1, "shards": [{"index": 0}]}`,
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "cluster.json"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := cluster.ReadPlan(dir); bench.KindOf(err) != bench.Usage || !strings.Contains(err.Error(), "cluster.json") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
