package parity_test

import (
	"testing"

	"github.com/dlbench/dlbench/workloads/plan"
)

// TestWholeNumberMutants does as TestMutants with quantised graphs, which only
// infer.
func TestWholeNumberMutants(t *testing.T) {
	if testing.Short() {
		t.Skip("minutes")
	}
	l := newLab(t, 1)
	cache := t.TempDir()
	some := casesOf(t, false)
	judge := func(name string) map[string]float64 {
		v := l.verifier(cache)
		v.Cases = some
		return judged(t, l, v, name, plan.INT8, probePlan)
	}
	t.Log(table(judgeAll(t, mutants(t, l, scriptOf(plan.INT8)), plan.INT8, judge), missFactor))
}

// modesIn are what workloads of a precision do.
func modesIn(precision string) []plan.Mode {
	if precision == plan.INT8 {
		return []plan.Mode{plan.Infer}
	}
	return []plan.Mode{plan.Infer, plan.Train}
}

// whole is a plan in int8, calibrated by the batches of another one of its network.
func whole(t *testing.T, p, by *plan.Plan) *plan.Plan {
	t.Helper()
	ranges, err := by.Ranges()
	if err != nil {
		t.Fatal(err)
	}
	q, err := p.Quantize(ranges)
	if err != nil {
		t.Fatal(err)
	}
	return q
}
