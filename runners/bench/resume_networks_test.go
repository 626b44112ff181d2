package bench_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/engine/enginetest"
)

// ownNetwork is a copy of a small ONNX file.
func ownNetwork(t *testing.T, dir string) string {
	t.Helper()
	data, err := os.ReadFile("../../workloads/onnx/testdata/fixed_batch_1.onnx")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "mine.onnx")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// The record knows the file of a network: a run goes on without its being named
// again, and not with another network.
func TestANetworkOfAFileGoesOn(t *testing.T) {
	t.Parallel()
	s := newStage(t, map[string]enginetest.Runner{"a": {}, "b": {}})
	path := ownNetwork(t, t.TempDir())
	o := s.options()
	o.Workloads, o.Networks, o.Weights = nil, []string{path}, "generated"
	old := interruptedOf(t, s, o)
	if f := old.Workloads[0].File; f == nil || f.Path != path || len(f.SHA256) != 64 || f.Weights != "generated" {
		t.Fatalf("the record says %+v of the file", f)
	}
	again := func(change func(o *bench.Options)) bench.Options {
		o := s.ready(bench.Resuming(s.reread()))
		o.SkipParity, o.Rounds = true, 2
		if change != nil {
			change(&o)
		}
		return o
	}
	moved := filepath.Join(t.TempDir(), "mine.onnx")
	if err := os.Rename(path, moved); err != nil {
		t.Fatal(err)
	}
	s.run(again(nil), bench.Usage, "mine.onnx: no such file or directory; put the file back, or name it as --network")

	data, err := os.ReadFile(moved)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(data, 0xa2, 0x06, 0x00), 0o644); err != nil { // an empty field that nobody reads
		t.Fatal(err)
	}
	s.run(again(nil), bench.Usage, path+" has changed since the run began: its SHA-256 was "+old.Workloads[0].File.SHA256)

	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	rec := s.run(again(func(o *bench.Options) { o.Networks, o.Weights = []string{moved}, "generated" }), bench.Internal, "")
	if rec == nil || rec.Status != record.Complete || rec.Rounds != 2 {
		t.Fatalf("named again: %+v", rec)
	}
	rec.Status = record.Interrupted
	if err := record.Write(filepath.Join(s.dir, "result.json"), rec); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(moved, path); err != nil {
		t.Fatal(err)
	}
	if rec = s.run(again(func(o *bench.Options) { o.Rounds = 3 }), bench.Internal, ""); rec == nil || rec.Rounds != 3 {
		t.Fatalf("put back: %+v", rec)
	}
	for _, w := range rec.Warnings {
		if w.Code == record.OwnNetwork && !strings.Contains(w.Text, "drawn from the seed") {
			t.Errorf("the weights are others now: %s", w.Text)
		}
	}
}
