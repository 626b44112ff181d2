package campaign_test

import (
	"slices"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
)

// The same work by several numbers of threads is several cells, each held to its
// own number.
func TestCellsWithThreadsOfTheirOwn(t *testing.T) {
	s := newStage(t, map[string]*scripted{"a": {threads: 2}}, infer, infer+"/t1")
	s.config.Cells[1].Workload = infer + "/t1" // its plan's name is the other's
	if one, other := s.config.Cells[0].Plan.Workload, s.config.Cells[1].Plan.Workload; one != other {
		t.Fatalf("the plans are %s and %s", one, other)
	}
	s.config.Record.Workloads[1].Threads = 1
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{infer, infer + "/t1"} {
		if c := s.cell(id, "a"); c.Status != record.Measured || len(c.Processes) != 3 {
			t.Errorf("%s: %s with %d processes", id, c.Status, len(c.Processes))
		}
	}
	// The double confirms two threads, which is what the other cell was asked for.
	codes := func(id string) []string { return s.config.Record.CodesAbout(s.cell(id, "a")) }
	if !slices.Contains(codes(infer+"/t1"), record.ThreadsMismatch) || slices.Contains(codes(infer), record.ThreadsMismatch) {
		t.Errorf("by one thread %v, by two %v", codes(infer+"/t1"), codes(infer))
	}
}
