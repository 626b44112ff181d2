package parity_test

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/parity"
	"github.com/dlbench/dlbench/workloads/plan"
)

func nan() float64 { return math.NaN() }

// What a timed process puts out is compared with the verified output of the
// same slot, at the batch that is timed.
func TestCheckInfer(t *testing.T) {
	verdict := verify(t, plan.Infer, part{})
	all := values{}
	all.Draw("output.logits", []int{4, 5}, 0, 1)
	all.Draw("output.logits.slot1", []int{4, 5}, 0, 1)
	slots := []value{all["output.logits"], all["output.logits.slot1"]}
	for _, c := range []struct {
		name   string
		slot   int
		output value
		passes bool
		tensor string
	}{
		{"the same", 0, slots[0], true, "logits of slot 0"},
		{"the same of the other slot", 1, slots[1], true, "logits of slot 1"},
		{"stale", 1, slots[0], false, "logits of slot 1"},
		{"rounded otherwise", 0, value{Shape: slots[0].Shape, Data: scaled(1 + 1e-5)(clone(slots[0])).Data}, true, "logits of slot 0"},
		{"off", 0, value{Shape: slots[0].Shape, Data: scaled(1 + 1e-3)(clone(slots[0])).Data}, false, "logits of slot 0"},
		{"of another batch", 0, value{Shape: []int{2, 5}, Data: slots[0].Data[:10]}, false, "shape [2 5], expected [4 5]"},
		{"not a number", 0, set(nan())(clone(slots[0])), false, "not numbers"},
	} {
		path := filepath.Join(t.TempDir(), "output.safetensors")
		if err := (values{"output": c.output}).Write(path); err != nil {
			t.Fatal(err)
		}
		check, err := verdict.CheckInfer(path, c.slot)
		if err != nil || check.Passed != c.passes || check.Layer != parity.Measured || !strings.Contains(check.Tensor, c.tensor) {
			t.Errorf("%s: %+v, %v", c.name, check, err)
		}
		if c.name == "stale" && check.Value < 10*check.Tolerance {
			t.Errorf("stale output misses by only %g", check.Value/check.Tolerance)
		}
	}
	if _, err := verdict.CheckInfer(filepath.Join(t.TempDir(), "absent"), 0); err == nil {
		t.Error("no error for a file that is not there")
	}
}

func clone(v value) value { return value{Shape: v.Shape, Data: append([]float64(nil), v.Data...)} }

func TestCheckLosses(t *testing.T) {
	verdict := verify(t, plan.Train, part{})
	if len(verdict.Losses) != 3 {
		t.Fatalf("%d losses are kept, want 3", len(verdict.Losses))
	}
	good := verdict.Losses
	for _, c := range []struct {
		name   string
		losses []float64
		passes bool
	}{
		{"the same", good, true},
		{"and more", append(append([]float64(nil), good...), 7), true},
		{"rounded otherwise", []float64{good[0] * (1 + 1e-6), good[1], good[2]}, true},
		{"stale", []float64{good[0], good[0], good[0]}, false},
		{"too few", good[:2], false},
		{"none", nil, false},
		{"not a number", []float64{good[0], math.NaN(), good[2]}, false},
		{"infinite", []float64{good[0], good[1], math.Inf(1)}, false},
	} {
		check := verdict.CheckLosses(c.losses)
		if check.Passed != c.passes || check.Layer != parity.Measured || math.IsNaN(check.Value) || math.IsInf(check.Value, 0) {
			t.Errorf("%s: %+v", c.name, check)
		}
	}
	empty := &parity.Verdict{Parity: record.Parity{Status: record.ParityFailed}}
	if check := empty.CheckLosses([]float64{1, 2, 3}); check.Passed || check.Tolerance <= 0 {
		t.Errorf("passed without losses to compare with: %+v", check)
	}
}
