package stats

import "math"

// Variance is the sample variance; NaN for fewer than two values.
func Variance(x []float64) float64 {
	if len(x) < 2 {
		return math.NaN()
	}
	mean := average(x)
	total := 0.0
	for _, v := range x {
		total += (v - mean) * (v - mean)
	}
	return total / float64(len(x)-1)
}
