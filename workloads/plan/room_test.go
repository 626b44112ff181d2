package plan_test

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/dlbench/dlbench/workloads/plan"
)

// The batches of one plan fit on any disk, those of so many do not.
func TestRoom(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there", "yet")
	if err := plan.Room(dir, mustMake(t, "lenet/infer/b8/fp32", 1)); err != nil {
		t.Errorf("what fits: %v", err)
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(os.TempDir(), &fs); err != nil {
		t.Fatal(err)
	}
	p := mustMake(t, "resnet50/infer/b8/fp32", 1)
	var many []*plan.Plan
	for need := int64(0); need <= int64(fs.Bavail)*fs.Bsize+1<<34; need += p.Size().Weights {
		another := *p
		another.Seed = uint64(len(many)) // other weights each
		many = append(many, &another)
	}
	err := plan.Room(dir, many...)
	var full *plan.NoRoomError
	if !errors.As(err, &full) {
		t.Fatalf("%d seeds of %s: %v", len(many), p.Workload, err)
	}
	if want := int64(len(many)) * (102_440_608 + 2*8*(150_528*4+8)); full.Missing != want {
		t.Errorf("%d bytes are missing, want %d", full.Missing, want)
	}
	if !regexp.MustCompile(`^the workloads' files need [0-9.]+ [GT]B of disk, and [0-9.]+ [MGT]?B is free in \S+; most is for resnet50/infer/b8/fp32: batches 9.6 MB, weights 102 MB$`).MatchString(err.Error()) {
		t.Errorf("got %v", err)
	}
	same := make([]*plan.Plan, len(many))
	for i := range same {
		same[i] = p
	}
	if err := plan.Room(dir, same...); err != nil {
		t.Errorf("files that are shared count once: %v", err)
	}
}

// What is there needs no room.
func TestRoomCountsWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	p := mustMake(t, "lenet/infer/b8/fp32", 1)
	files, err := plan.Materialize(t.Context(), dir, p)
	if err != nil {
		t.Fatal(err)
	}
	if got := plan.Missing(dir, p); got != 0 {
		t.Errorf("%d bytes are missing of what was just written", got)
	}
	if err := os.Remove(files.Batch.Path); err != nil {
		t.Fatal(err)
	}
	if got, want := plan.Missing(dir, p), int64(2*8*(784*4+8)); got != want {
		t.Errorf("%d bytes are missing, want %d", got, want)
	}
}

// Batches are written as they are made.
func TestBatchesAreNotHeld(t *testing.T) {
	p := mustMake(t, "lenet/infer/b20000/fp32", 1) // 125 MB
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := plan.Materialize(t.Context(), t.TempDir(), p); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 32<<20 {
		t.Errorf("batches of %d bytes took %d bytes of memory, in all", p.Size().Inputs, taken)
	}
}
