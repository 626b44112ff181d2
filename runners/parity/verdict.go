package parity

import (
	"fmt"
	"math"
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/workloads/tensors"
)

// Verdict is what was found about one cell, with what its timed processes have
// to put out.
type Verdict struct {
	Parity   record.Parity
	Expected string    // file with the verified logits; inference
	Losses   []float64 // of the first steps; training
}

// CheckInfer compares a timed output with the verified one of the same slot.
func (v *Verdict) CheckInfer(outputFile string, slot int) (record.Check, error) {
	w := worst{check: record.Check{Layer: Measured, Name: "timed output"}}
	want, err := readOne(v.Expected, slotName(logits, slot))
	if err != nil {
		return w.check, err
	}
	got, err := readOne(outputFile, "output")
	if err != nil {
		return w.check, err
	}
	apart, size, err := distance(got, want)
	if err != nil {
		w.refuse("logits", err, measuredTolerance)
		return w.check, nil
	}
	w.add("logits", apart/max(size, 1e-30), measuredTolerance, 0)
	return w.check, nil
}

// CheckLosses compares the first losses of a timed process with those of the
// verified one.
func (v *Verdict) CheckLosses(losses []float64) record.Check {
	w := worst{check: record.Check{Layer: Measured, Name: "first losses"}}
	n := min(len(losses), len(v.Losses))
	if n < min(exactSteps, len(v.Losses)) || n == 0 {
		w.refuse("losses", fmt.Errorf("%w: %d losses, expected %d", errNotComparable, len(losses), len(v.Losses)), measuredTolerance)
		return w.check
	}
	for i := range n {
		deviation := math.Abs(losses[i]-v.Losses[i]) / math.Abs(v.Losses[i])
		if math.IsNaN(deviation) {
			deviation = failing
		}
		w.add(fmt.Sprintf("loss of step %d", i+1), deviation, measuredTolerance, 0)
	}
	return w.check
}

func readOne(path, name string) ([]float64, error) {
	f, err := tensors.Open(path)
	if err != nil {
		return nil, err
	}
	values, err := f.Float64s(name)
	if closing := f.Close(); err == nil {
		err = closing
	}
	return values, err
}

// decide sums checks up.
func decide(checks []record.Check) record.Parity {
	p := record.Parity{Status: record.ParityPassed, Checks: checks}
	failed := slices.IndexFunc(checks, func(c record.Check) bool { return !c.Passed })
	if failed < 0 {
		return p
	}
	p.Status = record.ParityFailed
	// The check that is furthest beyond its tolerance says most.
	most := checks[failed]
	for _, c := range checks {
		if !c.Passed && c.Value/c.Tolerance > most.Value/most.Tolerance {
			most = c
		}
	}
	p.Reason = describe(most)
	return p
}

func describe(c record.Check) string {
	if c.Value >= failing {
		return fmt.Sprintf("%s: %s: %s", c.Layer, c.Name, c.Tensor)
	}
	return fmt.Sprintf("%s: %s: %s is off by %.2g, allowed are %.2g", c.Layer, c.Name, c.Tensor, c.Value, c.Tolerance)
}
