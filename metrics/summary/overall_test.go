package summary_test

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/record/recordtest"
	"github.com/dlbench/dlbench/metrics/stats"
	"github.com/dlbench/dlbench/metrics/summary"
)

// two has two workloads of each mode; b is faster than a in inference, slower in
// training.
func two(rounds int) *record.Record {
	r := record.New(time.Time{})
	r.AddRunner(record.Runner{Name: "a"})
	r.AddRunner(record.Runner{Name: "b"})
	for _, id := range []string{"x/infer", "x/train", "y/infer", "y/train"} {
		mode := id[2:]
		r.AddWorkload(record.Workload{ID: id, Mode: mode, Batch: 4})
		factor := map[string]float64{"infer": 2, "train": 0.5}[mode]
		var a, b []float64
		for round := range rounds {
			a = append(a, 1000+float64(round))
			b = append(b, factor*a[round])
		}
		r.AddCell(recordtest.Cell(id, "a", 4, a...))
		r.AddCell(recordtest.Cell(id, "b", 4, b...))
	}
	return r
}

// Pooled over modes, b would be as fast as a, which it never is.
func TestModesAreNeverPooled(t *testing.T) {
	r := two(8)
	summary.Summarize(r)
	if len(r.Overall) != 2 {
		t.Fatalf("got %+v", r.Overall)
	}
	for _, o := range r.Overall {
		leader := map[string]string{"infer": "b", "train": "a"}[o.Mode]
		if o.B != leader || math.Abs(o.Ratio-0.5) > 1e-4 || o.Verdict != record.Slower || o.Workloads != 2 {
			t.Errorf("got %+v", o)
		}
	}
}

// A bootstrap over rounds must not draw rounds in which nothing was measured: six
// numbers with a hole are six rounds, and five with holes are too few.
func TestRoundsThatNobodyHasAreNoRounds(t *testing.T) {
	for _, tt := range []struct {
		rounds []int
		level  float64
	}{{[]int{0, 1, 2, 3, 4, 5}, stats.Level}, {[]int{0, 2, 4, 6, 8, 11}, stats.Level}, {[]int{0, 2, 4, 6, 9}, 0}} {
		r := two(12)
		for i := range r.Cells {
			c := &r.Cells[i]
			var kept []record.Process
			for _, round := range tt.rounds {
				kept = append(kept, c.Processes[round])
			}
			c.Processes = kept
		}
		summary.Summarize(r)
		for _, o := range r.Overall {
			if o.Level != tt.level {
				t.Errorf("rounds %v: level %v, expected %v", tt.rounds, o.Level, tt.level)
			}
		}
	}
}

// The numbers that rounds have do not matter, only who shares them.
func TestHolesDoNotWidenTheOverall(t *testing.T) {
	s := recordtest.Simulation{Seed: 3, Modes: []string{"infer"}, Workloads: 3, Runners: 3, Rounds: 8, Noise: 0.02}
	dense, sparse := s.Record(), s.Record()
	for i := range sparse.Cells {
		for j := range sparse.Cells[i].Processes {
			sparse.Cells[i].Processes[j].Round *= 3
		}
	}
	summary.Summarize(dense)
	summary.Summarize(sparse)
	if diff := cmp.Diff(dense.Overall, sparse.Overall); diff != "" {
		t.Errorf("-dense +sparse:\n%s", diff)
	}
}

func TestAModeOfOneWorkloadHasNoOverall(t *testing.T) {
	r := recordtest.Simulation{Modes: []string{"infer", "train"}, Workloads: 1, Runners: 3, Rounds: 6}.Record()
	if summary.Summarize(r); len(r.Overall) != 0 {
		t.Errorf("got %+v", r.Overall)
	}
}

// What an older program did not make is made from the blocks, and is what this
// one would have made; what is there stays.
func TestCompleteMakesTheOverallOnce(t *testing.T) {
	r := two(8)
	summary.Summarize(r)
	want := r.Overall
	r.Overall = nil
	summary.Complete(r)
	if diff := cmp.Diff(want, r.Overall); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	r.Overall[0].Ratio = 7
	if summary.Complete(r); r.Overall[0].Ratio != 7 {
		t.Error("a figure that was there was made anew")
	}
}
