package parity

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/workloads/tensors"
)

// Verdict is what was found about one cell, with what its timed processes have
// to put out.
type Verdict struct {
	Parity    record.Parity
	Precision string       // of the workload
	Cases     []CaseResult // every operator case, also those that the network does not need
	Notes     []string     // what could not be judged, and why

	Expected       string    // file with the verified logits; inference
	ExpectedSHA256 string    //
	Losses         []float64 // of the first steps; training
}

// CheckInfer compares a timed output with the verified one of the same slot.
func (v *Verdict) CheckInfer(outputFile string, slot int) (record.Check, error) {
	w := newWorst(Measured, "timed output")
	want, shape, err := readOne(v.Expected, slotName(logits, slot))
	if err != nil {
		return w.check, fmt.Errorf("verified output of slot %d: %w", slot, err)
	}
	f, err := tensors.Open(outputFile)
	if err != nil {
		return w.check, fmt.Errorf("timed output: %w", err)
	}
	got, err := read(f, "output", shape)
	err = w.compare(fmt.Sprintf("logits of slot %d", slot), got, want, err, 0, numbersOf(v.Precision).measured)
	return w.check, errors.Join(err, f.Close())
}

// CheckLosses compares the first losses of a timed process with those of the
// verified one.
func (v *Verdict) CheckLosses(losses []float64) record.Check {
	w := newWorst(Measured, "first losses")
	tolerance := numbersOf(v.Precision).measured
	if len(v.Losses) == 0 || len(losses) < len(v.Losses) {
		w.refuse("losses", fmt.Errorf("%w: %d losses, expected %d", errNotComparable, len(losses), max(1, len(v.Losses))), tolerance)
		return w.check
	}
	for i, want := range v.Losses {
		w.add(fmt.Sprintf("loss of step %d", i+1), math.Abs(losses[i]-want)/max(math.Abs(want), smallest), tolerance, 0)
	}
	return w.check
}

func readOne(path, name string) (values []float64, shape []int, err error) {
	f, err := tensors.Open(path)
	if err != nil {
		return nil, nil, err
	}
	values, err = f.Float64s(name)
	if closing := f.Close(); err == nil {
		err = closing
	}
	info, _ := f.Info(name)
	return values, info.Shape, err
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
		if !c.Passed && c.WorseThan(most) {
			most = c
		}
	}
	p.Reason = describe(most)
	return p
}

func describe(c record.Check) string {
	if c.Name == precisionCheck {
		return describeRounding(c)
	}
	if c.Value >= failing {
		return fmt.Sprintf("%s: %s: %s", c.Layer, c.Name, c.Tensor)
	}
	said := fmt.Sprintf("%s: %s: %s is off by %.2g, allowed are %.2g", c.Layer, c.Name, c.Tensor, c.Value, c.Tolerance)
	if c.Spread > c.Tolerance {
		said += fmt.Sprintf(", and rounding noise moves the reference itself by %.2g: the network is ill-conditioned", c.Spread)
	}
	return said
}
