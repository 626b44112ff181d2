package stats

import "math"

// GeometricMean is the n-th root of the product: the one mean of ratios that
// does not depend on which side is the denominator (Fleming & Wallace, "How
// Not to Lie with Statistics", CACM 29(3), 1986). NaN for an empty x; every
// value must be above 0.
func GeometricMean(x []float64) float64 {
	total := 0.0
	for _, v := range x {
		total += math.Log(v)
	}
	return math.Exp(total / float64(len(x)))
}
