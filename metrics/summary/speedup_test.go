package summary_test

import (
	"math"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// scaled is a record of one runner whose processes make so many images per
// second by each number of threads, round by round.
func scaled(byThreads map[int][]float64) *record.Record {
	r := record.New(time.Unix(1, 0))
	r.AddRunner(record.Runner{Name: "a"})
	for _, threads := range []int{4, 2, 1} { // in no order
		w := record.Workload{ID: "net/infer/b10/fp32/t" + string(rune('0'+threads)), Batch: 10, Threads: threads}
		r.AddWorkload(w)
		c := r.AddCell(record.Cell{Workload: w.ID, Runner: "a", Parity: record.Parity{Status: record.ParityPassed}})
		for round, rate := range byThreads[threads] {
			if rate > 0 {
				c.Processes = append(c.Processes, record.Process{Round: round, Status: record.Measured,
					Blocks: []record.Block{{Scenario: record.Offline, Iterations: 1, StartNS: 0, EndNS: int64(10 / rate * 1e9)}}})
			}
		}
	}
	summary.Summarize(r)
	return r
}

// By hand: 2 threads make 1.8 times the images of 1 in every round, however much
// the rounds differ; 4 threads share only the last two rounds with 1.
func TestSpeedups(t *testing.T) {
	r := scaled(map[int][]float64{1: {100, 50, 200}, 2: {180, 90, 360}, 4: {0, 150, 600}})
	got := summary.Speedups(r, "net/infer/b10/fp32", "a")
	if len(got) != 3 {
		t.Fatalf("%+v", got)
	}
	for i, want := range []struct {
		threads           int
		times, efficiency float64
		n                 int
	}{{1, 1, 1, 3}, {2, 1.8, 0.9, 3}, {4, 3, 0.75, 2}} {
		s := got[i]
		if s.Threads != want.threads || s.Times.N != want.n || math.Abs(s.Times.Value-want.times) > 1e-6 || math.Abs(s.Efficiency.Value-want.efficiency) > 1e-6 {
			t.Errorf("%d threads: %+v, want %+v", s.Threads, s, want)
		}
		if math.Abs(s.Times.Low-want.times) > 1e-6 || math.Abs(s.Times.High-want.times) > 1e-6 || math.Abs(s.Efficiency.High-want.efficiency) > 1e-6 {
			t.Errorf("%d threads: paired by round there is no spread: %+v", s.Threads, s)
		}
	}
	if got := summary.Speedups(r, "net/infer/b10/fp32", "b"); got != nil {
		t.Errorf("of a runner that is not there: %+v", got)
	}
}

func TestSpeedupsNeedOneThread(t *testing.T) {
	for name, byThreads := range map[string]map[int][]float64{
		"not by one": {2: {180}, 4: {300}}, "only by one": {1: {100}}, "nothing": {},
	} {
		if got := summary.Speedups(scaled(byThreads), "net/infer/b10/fp32", "a"); got != nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestThreadWork(t *testing.T) {
	if got := summary.ThreadWork(record.Workload{ID: "net/infer/b1/fp32/t12", Threads: 12}); got != "net/infer/b1/fp32" {
		t.Errorf("got %q", got)
	}
	if got := summary.ThreadWork(record.Workload{ID: "net/infer/b1/fp32"}); got != "" {
		t.Errorf("a workload by the record's threads: %q", got)
	}
}
