package summary_test

import (
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/record/recordtest"
	"github.com/dlbench/dlbench/metrics/stats"
	"github.com/dlbench/dlbench/metrics/summary"
)

// Five of anything have a range, six an interval; so says every estimate.
func TestAnEstimateIsAnIntervalOrSaysThatItIsARange(t *testing.T) {
	for n, ranged := range map[int]bool{3: true, 5: true, 6: false, 12: false} {
		ratios := make([]float64, n)
		for i := range ratios {
			ratios[i] = 1.1 + 0.001*float64(i)
		}
		r := summary.Paired(ratios)
		if r.IsRange() != ranged || (r.Verdict == record.TooFew) != ranged || r.N != n {
			t.Errorf("%d ratios: %+v", n, r)
		}
		if ranged && (r.Low != ratios[0] || r.High != ratios[n-1]) {
			t.Errorf("%d ratios: [%v, %v] is not their range", n, r.Low, r.High)
		}
		if !ranged && (r.Level < stats.Level || r.Verdict != record.Faster) {
			t.Errorf("%d ratios: %+v", n, r)
		}
	}
	if r := summary.Unpaired([]float64{1, 2}, []float64{1, 4}); !r.IsRange() || r.Low != 0.25 || r.High != 2 || r.Verdict != record.TooFew {
		t.Errorf("got %+v", r)
	}
}

func TestATestAsksInTheDirectionOfTheChange(t *testing.T) {
	slower := []float64{0.98, 0.97, 0.99, 0.985, 0.975, 0.965}
	test := summary.PairedTest(slower)
	near(t, "one-sided", test.OneSided, 1.0/64, 1e-12)
	near(t, "two-sided", test.TwoSided, 2.0/64, 1e-12)
	near(t, "change", test.Change, 0.9775, 1e-12)
	older := []float64{100, 101, 102}
	test = summary.UnpairedTest([]float64{110, 111, 112}, older)
	near(t, "unpaired, one-sided", test.OneSided, 1.0/20, 1e-12)
	if test.N != 3 || test.Change < 1.08 {
		t.Errorf("got %+v", test)
	}
}

// A percentile over all iterations need not be the median of those of the
// processes; the interval holds it whatever they are.
func TestAFigureOverAllProcessesLiesInItsInterval(t *testing.T) {
	c := recordtest.Cell(workload, "a", 8, 100, 100, 100, 100, 100, 100)
	peak, figure := int64(1000), 50.0
	for i := range c.Processes {
		own := peak - int64(i)
		c.Processes[i].MemoryPeakBytes = &own
	}
	c.Utilization, c.LatencyMS = &record.Utilization{MemoryPeakBytes: &peak}, &record.Latency{P50: &figure}
	if e := summary.MemoryPeak(&c); e == nil || e.Value != 1000 || e.High != 1000 || e.Low != 995 || e.Level < stats.Level || e.N != 6 {
		t.Errorf("memory %+v", e)
	}
	if e := summary.Percentile(&c, 0.5); e == nil || e.Value != 50 || e.Low != 50 || e.High != 50 || !e.IsRange() {
		t.Errorf("without a process that has it: %+v", e)
	}
	if summary.Percentile(&c, 0.99) != nil || summary.Throughput(&c) != nil {
		t.Error("a figure was made up")
	}
}
