package stats

import (
	"math"
	"slices"
)

// MedianInterval is the interval for the population median between the k-th
// smallest and k-th largest observation, k as large as the level allows. It
// assumes independent observations and nothing about their distribution; its
// coverage 1 − 2·P(B < k), B binomial(n, ½), is exact for continuous ones and
// higher for tied ones (David & Nagaraja, Order Statistics, 3rd ed., §7.1).
// 95 % needs n ≥ 6; with fewer the interval has Level 0.
func MedianInterval(x []float64, level float64) Interval {
	n := len(x)
	k, achieved := medianOrder(n, level)
	if k == 0 {
		return none()
	}
	sorted := slices.Sorted(slices.Values(x))
	return Interval{Low: sorted[k-1], High: sorted[n-k], Level: achieved}
}

// Range holds the extremes. It has Level 0: three processes have a range, and
// no interval.
func Range(x []float64) Interval {
	if len(x) == 0 {
		return none()
	}
	return Interval{Low: slices.Min(x), High: slices.Max(x)}
}

// medianOrder is the largest k for which the k-th order statistics from both
// ends cover the median at the level, with the coverage they achieve; 0 when
// even the extremes do not.
func medianOrder(n int, level float64) (int, float64) {
	k, achieved := 0, 0.0
	tail := 0.0
	for next := 1; 2*next <= n; next++ {
		tail += binomialHalf(n, next-1)
		if 1-2*tail < level {
			break
		}
		k, achieved = next, 1-2*tail
	}
	return k, achieved
}

// binomialHalf is P(B = k) of a binomial(n, ½).
func binomialHalf(n, k int) float64 {
	lg := func(v int) float64 { r, _ := math.Lgamma(float64(v) + 1); return r }
	return math.Exp(lg(n) - lg(k) - lg(n-k) - float64(n)*math.Ln2)
}
