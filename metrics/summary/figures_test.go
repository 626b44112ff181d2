package summary_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/record/recordtest"
	"github.com/dlbench/dlbench/metrics/summary"
)

func TestATrainingStepIsThreeForwardPasses(t *testing.T) {
	w := record.Workload{ID: workload, Mode: "infer", Batch: 8, MACs: 5e8, ActivationBytes: 3e6, Parameters: 2e6, Precision: record.FP32}
	c := record.Cell{Workload: workload, Status: record.Measured, Throughput: &record.Throughput{Median: 100, CILow: 90, CIHigh: 110, Level: 0.96, N: 6}}
	if e := summary.Achieved(w, &c); e == nil || *e != (summary.Estimate{Value: 100, Low: 90, High: 110, Level: 0.96, N: 6}) {
		t.Errorf("a GFLOP an image at 100 images/s is %+v", e)
	}
	near(t, "FLOP a byte", summary.Intensity(w), 1e9/(3e6+1e6), 1e-9)
	w.Mode = "train"
	if e := summary.Achieved(w, &c); e == nil || e.Value != 300 || e.Low != 270 {
		t.Errorf("training achieves %+v", e)
	}
	near(t, "FLOP a byte of training", summary.Intensity(w), 1e9/(3e6+1e6), 1e-9)
	if summary.Achieved(record.Workload{}, &c) != nil || summary.Achieved(w, &record.Cell{}) != nil || summary.Intensity(record.Workload{}) != 0 {
		t.Error("a rate was made of nothing")
	}
}

func TestTheRoofIsTheMemoryBelowTheRidge(t *testing.T) {
	w := record.Workload{ID: workload, Mode: "infer", Batch: 1, MACs: 5e8, ActivationBytes: 1e8, Precision: record.FP32} // 10 FLOP a byte
	r := &record.Record{Workloads: []record.Workload{w}, Environment: record.Environment{Peak: &record.Peak{GFLOPS: 1000, BandwidthBytesPerSec: 5e10}},
		Cells: []record.Cell{{Workload: workload, Runner: "a", Status: record.Measured, Throughput: &record.Throughput{Median: 250}}}}
	roof := summary.RoofOf(r, w)
	near(t, "ridge", roof.Ridge(), 20, 1e-12)
	near(t, "below the ridge", roof.At(10), 500, 1e-12)
	near(t, "above it", roof.At(40), 1000, 1e-12)
	near(t, "per cent of the peak", *roof.PercentOfPeak(250), 25, 1e-12)
	want := &summary.UnderRoof{Intensity: 10, Achieved: 250, Roof: 500, Percent: 50}
	if diff := cmp.Diff(want, summary.PlaceUnderRoof(r, w, &r.Cells[0])); diff != "" || !roof.Measured {
		t.Errorf("-want +got:\n%s", diff)
	}
	r.Cells[0].Status = record.NotRanked
	if summary.PlaceUnderRoof(r, w, &r.Cells[0]) != nil {
		t.Error("a cell that is not ranked has a place")
	}
	r.Environment.Peak = nil
	if roof := summary.RoofOf(r, w); roof.Ceiling != nil || roof.Whole() || roof.PercentOfPeak(1) != nil || roof.Reason == "" {
		t.Errorf("without a peak: %+v", roof)
	}
}

func TestScalingIsHeldAgainstTheLeastStep(t *testing.T) {
	step := func(at int, v float64) summary.Step {
		return summary.Step{At: at, Throughput: summary.Estimate{Value: v}}
	}
	got := summary.Scaling([]summary.Step{step(8, 400), step(0, 7), step(2, 200), step(4, 400)})
	var percents []float64
	for _, s := range got {
		percents = append(percents, s.Percent)
	}
	if diff := cmp.Diff([]float64{100, 100, 50}, percents); diff != "" || got[0].At != 2 {
		t.Errorf("%+v -want +got:\n%s", got, diff)
	}
}

func TestTheWorstCheckIsNearestToItsTolerance(t *testing.T) {
	checks := []record.Check{{Name: "a", Value: 1, Tolerance: 10, Passed: true}, {Name: "b", Value: 0.9, Tolerance: 1, Passed: true}, {Name: "c", Passed: true}}
	if worst, beyond := summary.Worst(checks); worst != &checks[1] || beyond != 0 {
		t.Errorf("the worst is %+v, %d are beyond", worst, beyond)
	}
	checks[2].Passed = false
	if worst, beyond := summary.Worst(checks); worst != &checks[2] || beyond != 1 {
		t.Errorf("a failure without a tolerance: the worst is %+v, %d are beyond", worst, beyond)
	}
	if worst, _ := summary.Worst(nil); worst != nil {
		t.Error("nothing has a worst")
	}
}

func TestStandingCountsCells(t *testing.T) {
	r := &record.Record{Cells: []record.Cell{
		{Status: record.Measured, Parity: record.Parity{Status: record.ParityPassed}, Throughput: &record.Throughput{N: 12, Converged: true}},
		{Status: record.NotRanked, Parity: record.Parity{Status: record.ParityFailed}, Throughput: &record.Throughput{N: 6}},
		{Status: record.Failed, Parity: record.Parity{Status: record.ParityPassed}}}}
	want := summary.Standing{Cells: 3, Passed: 2, Ranked: 1, Measured: 2, Converged: 1, LeastProcesses: 6, MostProcesses: 12}
	if got := summary.StandingOf(r); got != want {
		t.Errorf("got %+v", got)
	}
}

func TestPhasesOfTheColdStartDoNotOverlap(t *testing.T) {
	total := 0.0
	for _, p := range summary.Phases(&record.Startup{StartSeconds: 3, ImportSeconds: 2, LoadSeconds: 0.5, FirstIterationSeconds: 0.25}) {
		total += p.Seconds
	}
	near(t, "start, load and first iteration", total, 3.75, 1e-12)
	if p := summary.Phases(&record.Startup{StartSeconds: 1, ImportSeconds: 2})[0]; p.Seconds != 0 {
		t.Errorf("an import that took longer than the start leaves %v", p)
	}
}

func TestEnergyAnImage(t *testing.T) {
	perJoule, watts := 4.0, 100.0
	c := record.Cell{Throughput: &record.Throughput{Median: 200, CILow: 100, CIHigh: 400}, Utilization: &record.Utilization{ImagesPerJoule: &perJoule, GPUPowerWatts: &watts}}
	if e := summary.MillijoulesPerImage(&c); e == nil || e.Value != 250 || e.Low != 125 || e.High != 500 {
		t.Errorf("got %+v", e)
	}
	c.Utilization.ImagesPerJoule = nil
	if e := summary.MillijoulesPerImage(&c); e == nil || e.Value != 500 {
		t.Errorf("100 W at 200 images/s are %+v", e)
	}
	c.Utilization.GPUPowerWatts = nil
	if summary.MillijoulesPerImage(&c) != nil {
		t.Error("energy was made of nothing")
	}
}

func TestWhatACardDidDuringABlock(t *testing.T) {
	series := func(about string, values ...float64) record.Series {
		return record.Series{Name: record.GPUSeries(1, about), TimeNS: []int64{0, 10, 20}, Values: values}
	}
	p := &record.Process{Series: []record.Series{series(record.GPUPower, 0, 300, 100), series(record.GPUEnergy, 5, 8, 20), series(record.GPUPowerCap, 0, 0, 1), series(record.GPUThermalLimit, 0, 0, 0)}}
	got := summary.CardDuring(p, "gpu:1", &record.Block{StartNS: 5, EndNS: 15})
	if got.Watts == nil || *got.Watts != 200 || got.Joules == nil || *got.Joules != 7.5 || got.ClockMHz != nil || strings.Join(got.HeldBy, ",") != "power cap" {
		t.Errorf("got %+v", got)
	}
	if got := summary.CardDuring(p, "cpu", &record.Block{StartNS: 5, EndNS: 15}); got.Watts != nil || got.HeldBy != nil {
		t.Errorf("a CPU is told as a card: %+v", got)
	}
}

func TestTheMedianProcessIsTheLowerOfTwo(t *testing.T) {
	c := recordtest.Cell(workload, "a", 8, 400, 100, 300, 200)
	if p := summary.MedianProcess(&c, 8); p == nil || p.Round != 3 {
		t.Errorf("got %+v", p)
	}
	near(t, "timed", summary.Timed(&c), 8000/400.+8000/100.+8000/300.+8000/200., 1e-6)
	if summary.MedianProcess(&record.Cell{}, 8) != nil {
		t.Error("nothing has a median")
	}
	if d := summary.Deciles([]float64{10, 0, 5}); len(d) != 11 || d[0] != 0 || d[5] != 5 || d[10] != 10 {
		t.Errorf("deciles %v", d)
	}
}

func TestARuleThatCanNeverBeMetIsTold(t *testing.T) {
	var values []float64
	for i := range 40 {
		values = append(values, 100+float64(i%3)+float64(20*(i/20)))
	}
	if changes := summary.ChangePoints(values, 0.01); len(changes) != 1 || changes[0].Index != 20 {
		t.Errorf("changes %+v", changes)
	}
}
