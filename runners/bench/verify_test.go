package bench_test

import (
	"context"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/bench/benchtest"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/engine/enginetest"
	"github.com/dlbench/dlbench/runners/protocol"
)

func TestRunnersAreJudged(t *testing.T) {
	t.Parallel()
	silent := benchtest.Honest()
	silent.Fault = refusing(protocol.Hello, protocol.DeviceUnavailable)
	s := benchtest.New(t, map[string]enginetest.Runner{"right": benchtest.Honest(), "wrong": benchtest.Wrong(), "silent": silent})
	rows, err := bench.Verify(t.Context(), s.Setup(workload), false)
	benchtest.Check(t, err, bench.Failure, "1 of 3 cells did not pass parity: "+workload+" on wrong")
	verdicts := map[string]bench.Verified{}
	for _, row := range rows {
		verdicts[row.Runner] = row
	}
	for name, want := range map[string]string{"right": record.ParityPassed, "wrong": record.ParityFailed, "silent": record.ParityUnsupported} {
		if got := verdicts[name]; got.Parity.Status != want || got.Parity.Cached || got.Cases != nil {
			t.Errorf("%s: %s (%s), want %s", name, got.Parity.Status, got.Parity.Reason, want)
		}
	}

	// The second time nobody is asked again, but for whose verdict does not last.
	rows, err = bench.Verify(t.Context(), s.Setup(workload), false)
	benchtest.Check(t, err, bench.Failure, "on wrong")
	for _, row := range rows {
		if row.Runner != "silent" && !row.Parity.Cached {
			t.Errorf("%s was judged again", row.Runner)
		}
	}
}

// What was judged before Ctrl-C is not lost.
func TestJudgingThatIsInterruptedTellsWhatItHas(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := benchtest.New(t, map[string]enginetest.Runner{"a": benchtest.Honest()})
	began := 0
	s.OnStep = func(text string) {
		if strings.HasPrefix(text, "verify ") {
			if began++; began == 2 {
				cancel()
			}
		}
	}
	setup := s.Setup(workload)
	setup.Workloads = append(setup.Workloads, "lenet/infer/b8/fp32")
	rows, err := bench.Verify(ctx, setup, false)
	benchtest.Check(t, err, bench.Interrupted, "")
	if len(rows) != 1 || rows[0].Workload != workload || rows[0].Parity.Status != record.ParityPassed {
		t.Errorf("the rows are %+v", rows)
	}
}

func TestNothingJudgedIsNoSuccess(t *testing.T) {
	t.Parallel()
	s := benchtest.New(t, map[string]enginetest.Runner{"a": {Fault: refusing(protocol.Hello, protocol.DeviceUnavailable)}})
	_, err := bench.Verify(t.Context(), s.Setup(workload), false)
	benchtest.Check(t, err, bench.Environment, "nothing could be judged: all 1 cells are unsupported")
}

// Only what computes the same is measured and ranked, and what was timed is held
// against what was verified.
func TestACampaignWithVerdicts(t *testing.T) {
	t.Parallel()
	other := benchtest.Honest()
	other.Output = benchtest.Wrong().Output
	s := newStage(t, map[string]enginetest.Runner{"right": benchtest.Honest(), "wrong": benchtest.Wrong(), "other": other})
	o := s.options()
	o.SkipParity = false
	rec := s.run(o, bench.Failure, "2 of 3 cells failed or did not pass parity")
	for name, want := range map[string]struct {
		status    string
		processes int
	}{"right": {record.Measured, 2}, "wrong": {record.NotRanked, 0}, "other": {record.NotRanked, 2}} {
		if c := rec.Cell(workload, name); c.Status != want.status || len(c.Processes) != want.processes {
			t.Errorf("%s is %s (%s) with %d processes, want %+v", name, c.Status, c.Reason, len(c.Processes), want)
		}
	}
	if reason := rec.Cell(workload, "other").Reason; !strings.Contains(reason, "what was timed is not what was verified") {
		t.Errorf("the reason is %q", reason)
	}
	if !strings.Contains(s.Said(), workload+" on wrong does not compute what the reference computes") {
		t.Errorf("told is %q", s.Said())
	}
}

func TestACampaignThatIsInterruptedWhileItVerifies(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	slow := benchtest.Honest()
	slow.Exit = func(request string) *engine.Exit {
		if request == protocol.Load {
			cancel()
		}
		return nil
	}
	s := newStage(t, map[string]enginetest.Runner{"a": slow})
	o := s.options()
	o.SkipParity = false
	rec, err := bench.Run(ctx, o)
	benchtest.Check(t, err, bench.Interrupted, "interrupted")
	if rec == nil || rec.Status != record.Interrupted || strings.Join(s.saved, " ") != "running interrupted" {
		t.Errorf("the record is %+v, saved as %v", rec, s.saved)
	}
	if c := s.reread().Cell(workload, "a"); c.Status != record.Pending {
		t.Errorf("the cell is %s", c.Status)
	}
}
