package summary_test

import (
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// By hand: 1.5 s to start, 0.5 s to load, 0.25 s of warm-up, and 3 s from the
// beginning of the first block to the end of the last.
func TestProcessDuration(t *testing.T) {
	p := record.Process{StartSeconds: 1.5, ImportSeconds: 1, LoadSeconds: 0.5, WarmupNS: []int64{200e6, 50e6},
		Blocks: []record.Block{{StartNS: 7e9, EndNS: 8e9}, {StartNS: 9e9, EndNS: 10e9}}}
	if got := summary.ProcessDuration(&p); got != 5250*time.Millisecond {
		t.Errorf("got %s", got)
	}
	if got := summary.ProcessDuration(&record.Process{StartSeconds: 2}); got != 2*time.Second {
		t.Errorf("one that failed at its start: %s", got)
	}
}
