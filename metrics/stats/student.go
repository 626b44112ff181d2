package stats

import "math"

// studentQuantile is the t with P(T ≤ t) = p of Student's t, for p above ½, by
// bisection: it is asked for once an interval.
func studentQuantile(p, freedom float64) float64 {
	low, high := 0.0, 1.0
	for studentCDF(high, freedom) < p {
		high *= 2
	}
	for range 100 {
		middle := (low + high) / 2
		if middle == low || middle == high { // no number lies between
			break
		}
		if studentCDF(middle, freedom) < p {
			low = middle
		} else {
			high = middle
		}
	}
	return (low + high) / 2
}

// studentCDF is P(T ≤ t) for t ≥ 0 and a whole number of degrees of freedom,
// by the finite series of Abramowitz & Stegun, Handbook of Mathematical
// Functions, 26.7.3 and 26.7.4.
func studentCDF(t, freedom float64) float64 {
	theta := math.Atan(t / math.Sqrt(freedom))
	sin, cos := math.Sincos(theta)
	odd := math.Mod(freedom, 2) == 1
	term, first := 1.0, 2.0
	if odd {
		term, first = cos, 3
	}
	series := 0.0
	for k := first; k <= freedom; k += 2 {
		series += term
		term *= cos * cos * (k - 1) / k
	}
	if odd {
		return 0.5 + (theta+sin*series)/math.Pi
	}
	return 0.5 + sin*series/2
}
