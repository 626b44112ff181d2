package stats

import "math"

// SteadyWindow is how many of the last samples Steady looks at.
const SteadyWindow = 20

// The bounds of a steady state. The spread's is stricter, because spread is
// what the halves of a settling sequence differ in last.
const (
	steadyCentre = 0.10 // of means and of quartiles, relative to the second half's
	steadySpread = 0.05 // of median absolute deviations, relative to the median
)

// Steady says whether the two halves of the last 20 durations look alike:
// means and quartiles within 10 %, median absolute deviations within 5 % of
// the median. Fewer than 20 are never steady. It decides when a warm-up ends,
// never what is kept.
func Steady(ns []int64) bool {
	if len(ns) < SteadyWindow {
		return false
	}
	window := make([]float64, SteadyWindow)
	for i, v := range ns[len(ns)-SteadyWindow:] {
		window[i] = float64(v)
	}
	a, b := window[:SteadyWindow/2], window[SteadyWindow/2:]
	qa, qb := Quantiles(a, 0.25, 0.5, 0.75), Quantiles(b, 0.25, 0.5, 0.75)
	return within(Mean(a), Mean(b), steadyCentre) &&
		within(qa[0], qb[0], steadyCentre) && within(qa[2], qb[2], steadyCentre) &&
		math.Abs(MAD(a)-MAD(b)) <= steadySpread*qb[1]
}

// within says whether a is within the share of b.
func within(a, b, share float64) bool { return math.Abs(a-b) <= share*math.Abs(b) }
