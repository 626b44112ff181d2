package fidelity_test

import (
	"context"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/bench/benchtest"
	"github.com/dlbench/dlbench/runners/engine/enginetest"
	"github.com/dlbench/dlbench/runners/fidelity"
	"github.com/dlbench/dlbench/runners/protocol"
)

func options(s *benchtest.Stage, workload string) fidelity.Options {
	return fidelity.Options{Setup: s.Setup(workload), Rounds: 6, Blocks: 4, BlockTime: time.Second, WarmupTime: time.Nanosecond}
}

func TestARunnerIsHeldAgainstItsBareLoop(t *testing.T) {
	t.Parallel()
	for _, workload := range []string{"lenet/infer/b4/fp32", "lenet/train/b4/fp32"} {
		s := benchtest.New(t, map[string]enginetest.Runner{
			"slow": {Iteration: 1250 * time.Microsecond}, "bare-slow": {Iteration: time.Millisecond},
			"lonely": {}, // without a bare loop
			"gone":   {}, "bare-gone": {Fault: func(string) *protocol.Error {
				return &protocol.Error{Code: protocol.Unsupported, Message: "a bare loop of CPUs"}
			}},
		})
		a, err := fidelity.Run(t.Context(), options(s, workload))
		if err != nil {
			t.Fatal(err)
		}
		if len(a.Rows) != 1 || a.Engine != "fake" || a.Terms.Device != "cpu" || a.Environment.CPU == "" || len(a.Devices) != 1 {
			t.Fatalf("the answer is %+v", a)
		}
		row := a.Rows[0]
		near := func(got, want float64) bool { return math.Abs(got/want-1) < 1e-9 }
		if row.Runner != "slow" || row.Workload != workload || row.Pairs != 6 || !near(row.Own, 3200) || !near(row.Bare, 4000) || !near(row.Ratio, 0.8) || !near(row.Sampler, 1) {
			t.Errorf("the row is %+v", row)
		}
		if !row.Interval.Exists() || !near(row.Interval.Low, 0.8) || !near(row.Interval.High, 0.8) {
			t.Errorf("the interval is %+v", row.Interval)
		}
		if !strings.Contains(s.Said(), workload+" on gone: ") {
			t.Errorf("told is %q", s.Said())
		}
	}
}

// What was compared before Ctrl-C is not lost.
func TestComparingThatIsInterruptedTellsWhatItHas(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s := benchtest.New(t, map[string]enginetest.Runner{"a": {}, "bare-a": {}})
	o := options(s, "lenet/infer/b4/fp32")
	o.Workloads = append(o.Workloads, "lenet/train/b4/fp32")
	s.OnStep = func(text string) {
		if strings.HasPrefix(text, "lenet/train") {
			cancel()
		}
	}
	a, err := fidelity.Run(ctx, o)
	benchtest.Check(t, err, bench.Interrupted, "")
	if len(a.Rows) != 1 || a.Rows[0].Workload != "lenet/infer/b4/fp32" || a.Rows[0].Pairs != 6 {
		t.Errorf("the rows are %+v", a.Rows)
	}
}

func TestNobodyHasABareLoop(t *testing.T) {
	t.Parallel()
	s := benchtest.New(t, map[string]enginetest.Runner{"lonely": {}})
	_, err := fidelity.Run(t.Context(), options(s, "lenet/infer/b4/fp32"))
	benchtest.Check(t, err, bench.Environment, "no runner could compare any of the workloads with a bare loop")
}

func TestARunnerThatBreaksEndsIt(t *testing.T) {
	t.Parallel()
	s := benchtest.New(t, map[string]enginetest.Runner{"a": {}, "bare-a": {Fault: func(request string) *protocol.Error {
		if request != protocol.Measure {
			return nil
		}
		return &protocol.Error{Code: protocol.Internal, Message: "it broke"}
	}}})
	_, err := fidelity.Run(t.Context(), options(s, "lenet/infer/b4/fp32"))
	if err == nil || !strings.Contains(err.Error(), "it broke") {
		t.Errorf("the error is %v", err)
	}
}
