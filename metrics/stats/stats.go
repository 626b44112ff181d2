// Package stats turns observations of independent processes into estimates
// with honest intervals. Everything in it is exact or seeded: the same numbers
// give the same answer on every machine.
//
// No function drops an observation. Functions that an empty sample leaves
// without an answer return NaN, or an Interval whose Level is 0.
package stats

import (
	"encoding/json"
	"math"
)

// Level is the coverage that every interval of the program is asked for.
const Level = 0.95

// Interval is a range of plausible values.
type Interval struct {
	Low, High float64
	// Level is the coverage that the interval really has, which for the exact
	// ones is at least the level asked for; 0 says that there is none, and
	// then Low and High are NaN or, from Range, the extremes.
	Level float64
}

// Exists says whether the interval has a coverage.
func (iv Interval) Exists() bool { return iv.Level > 0 }

// MarshalJSON writes null for an interval without ends, which JSON has no numbers
// for.
func (iv Interval) MarshalJSON() ([]byte, error) {
	if math.IsNaN(iv.Low) || math.IsNaN(iv.High) {
		return []byte("null"), nil
	}
	type plain Interval
	return json.Marshal(plain(iv))
}

// RelativeHalfWidth is half of the interval's width over the estimate's size:
// 0.01 is ±1 %. It is +Inf for an interval without a coverage, so that no
// stopping rule takes "unknown" for "narrow".
func (iv Interval) RelativeHalfWidth(estimate float64) float64 {
	if !iv.Exists() || estimate == 0 {
		return math.Inf(1)
	}
	return (iv.High - iv.Low) / 2 / math.Abs(estimate)
}

// none is the interval of samples too small for one.
func none() Interval { return Interval{Low: math.NaN(), High: math.NaN()} }
