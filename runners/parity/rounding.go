package parity

import (
	"fmt"
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
)

// A runner that says bf16 and computes in float32 agrees with the reference
// better than it may: this file finds it.

// finest is the least that outputs computed in a precision are off by, in its
// roundoffs. Honest runners are off by half a roundoff and more, because whatever
// multiplies takes rounded numbers, or gives them; float32 is off by less than a
// two-hundredth of fp16's.
const finest = 1.0 / 64

// precisionCheck is the name of the check that a precision was in use.
const precisionCheck = "precision"

// judgeRounding says whether outputs that are off by so much were computed in
// the precision at all. Its value is how many times finer they are than the
// finest that the precision makes. In tf32 products may be rounded, and none has
// to be: a framework picks another algorithm where that is faster.
func judgeRounding(precision string, deviations []float64) []record.Check {
	if !slices.Contains([]string{"bf16", "fp16"}, precision) || len(deviations) == 0 {
		return nil
	}
	most := slices.Max(deviations)
	c := record.Check{
		Layer: Network, Name: precisionCheck, Tolerance: 1,
		Tensor: fmt.Sprintf("outputs within %.2g of the reference", most),
		Value:  min(roundoffs[precision]*finest/max(most, smallest), failing),
	}
	c.Passed = c.Value <= c.Tolerance
	return []record.Check{c}
}

// describeRounding tells that a precision was not in use.
func describeRounding(c record.Check) string {
	return fmt.Sprintf("%s: %s: %s, %.2g times finer than its rounding allows: they were computed in a finer one", c.Layer, c.Name, c.Tensor, c.Value)
}
