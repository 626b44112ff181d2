package record_test

import (
	"math"
	"slices"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
)

func TestLookups(t *testing.T) {
	r := small()
	if c := r.Cell("lenet/infer/b8/fp32", "caffe"); c != &r.Cells[1] || c.Ranked() {
		t.Errorf("got %+v", c)
	}
	if r.Cell("lenet/infer/b8/fp32", "none") != nil || r.Workload("none") != nil || r.Runner("none") != nil {
		t.Error("something was found that is not there")
	}
	if r.Workload("lenet/infer/b8/fp32") != &r.Workloads[0] || r.Runner("caffe") != &r.Runners[1] {
		t.Error("something was not found")
	}
	if ms := r.Cells[0].LatenciesMS(); !slices.Equal(ms, []float64{3, 4, 5}) {
		t.Errorf("latencies %v", ms)
	}
	if r.Cells[0].ProcessAt(0) == nil || r.Cells[0].ProcessAt(1) != nil {
		t.Error("the process of a round was not told from that of another")
	}
	if w := r.WarningsAbout("run"); len(w) != 1 || len(r.WarningsAbout("runner:torch")) != 0 {
		t.Errorf("warnings %v", w)
	}
	if s := r.Cells[0].Scope(); s != "cell:lenet/infer/b8/fp32/torch" {
		t.Errorf("scope %q", s)
	}
}

func TestComparisonTurnsRound(t *testing.T) {
	r := small()
	c, ok := r.Comparison("lenet/infer/b8/fp32", "caffe", "torch")
	if !ok || c.A != "caffe" || c.B != "torch" || c.Ratio != 0.5 || c.CILow != 0.4 || math.Abs(c.CIHigh-2.0/3) > 1e-15 || c.Verdict != record.Slower {
		t.Errorf("got %+v", c)
	}
	if same, _ := r.Comparison("lenet/infer/b8/fp32", "torch", "caffe"); same != r.Comparisons[0] {
		t.Errorf("got %+v", same)
	}
	if _, ok := r.Comparison("other", "torch", "caffe"); ok {
		t.Error("found a comparison on another workload")
	}
}
