package summary_test

import (
	"math"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// compiled is a campaign of a runner and its variant, whose first process had to
// compile for so many seconds, and whose others found that in 1 s.
func compiled(speed, seconds float64) *record.Record {
	r := campaign(8, map[string]float64{"a": 1000, "a+fast": speed, "b+fast": 500}, "a", "a+fast", "b+fast")
	for i := range r.Cells {
		c := &r.Cells[i]
		for k := range c.Processes {
			p := &c.Processes[k]
			p.WarmupNS = []int64{2 * second / 100, second / 100, second / 100, second / 100} // 10 ms more than steady
			if c.Runner != "a+fast" {
				continue
			}
			extra, found := 1.0, record.FoundCompiled
			if k == 0 {
				extra, found = seconds, record.NothingCompiled
			}
			p.FirstIterationSeconds, p.CompileCache = extra, found
			p.WarmupNS[0] += int64(extra * second)
		}
	}
	summary.Summarize(r)
	return r
}

func TestCompilingPaysForItselfAfterSoManySteps(t *testing.T) {
	r := compiled(1250, 31)
	all := summary.Paybacks(r, workload)
	if len(all) != 1 || all[0].Variant.Runner != "a+fast" || all[0].Default.Runner != "a" {
		t.Fatalf("paybacks are %+v: b was not measured as it is", all)
	}
	p := all[0]
	near(t, "the speed", p.Speed.Value, 1.25, 0.01)
	near(t, "what compiling takes", p.Extra, 31, 1e-6)
	near(t, "what finding it takes", p.ExtraFound, 1, 1e-6)
	step := 8 / r.Cell(workload, "a").Throughput.Median // seconds
	near(t, "the steps", p.Steps.Value, 31/(step*(1-1/p.Speed.Value)), 1)
	near(t, "their lower end", p.Steps.Low, 31/(step*(1-1/p.Speed.High)), 1)
	near(t, "their upper end", p.Steps.High, 31/(step*(1-1/p.Speed.Low)), 1)
	if p.Never() || !(p.Steps.Low < p.Steps.Value && p.Steps.Value < p.Steps.High) || p.Steps.Level == 0 {
		t.Errorf("%+v", p.Steps)
	}
}

func TestWhatIsNoFasterNeverPaysForItself(t *testing.T) {
	if p := summary.Paybacks(compiled(800, 31), workload)[0]; !p.Never() || !math.IsInf(p.Steps.Low, 1) || !math.IsInf(p.Steps.High, 1) {
		t.Errorf("a slower one: %+v", p.Steps)
	}
	if p := summary.Paybacks(compiled(1250, 0), workload)[0]; p.Steps.Value != 0 || p.Steps.High != 0 {
		t.Errorf("one that starts no later: %+v", p.Steps)
	}
}

// The start that compiles and the one that finds it are two figures.
func TestTheColdStartIsToldApart(t *testing.T) {
	r := compiled(1250, 31)
	c := r.Cell(workload, "a+fast")
	if c.Startup.FirstIterationSeconds != 1 || c.ColdStartup == nil || c.ColdStartup.FirstIterationSeconds != 31 {
		t.Errorf("starts are %+v and %+v", c.Startup, c.ColdStartup)
	}
	if other := r.Cell(workload, "a"); other.ColdStartup != nil || other.Startup == nil {
		t.Errorf("of one that keeps nothing: %+v, %+v", other.Startup, other.ColdStartup)
	}
	c.Processes = c.Processes[:1]
	summary.Summarize(r)
	if c.Startup.FirstIterationSeconds != 31 || *c.Startup != *c.ColdStartup {
		t.Errorf("of one process: %+v and %+v", c.Startup, c.ColdStartup)
	}
}

func TestTheRunnerOfAVariant(t *testing.T) {
	for name, want := range map[string]string{"pytorch+compile": "pytorch", "pytorch": "pytorch", "pytorch+compile@gpu:1": "pytorch@gpu:1", "a+b+c": "a+b", "pytorch@gpu:0": "pytorch@gpu:0"} {
		if got := summary.DefaultOf(name); got != want {
			t.Errorf("of %s it is %s, want %s", name, got, want)
		}
	}
}
