package data

import "math"

// span is a range of values: a window, or what a volume has from its least to
// its greatest one.
type span struct{ low, high float64 }

// noValues is the range of nothing.
var noValues = span{math.Inf(1), math.Inf(-1)}

// widen is a range with a plane's values in it too, those that are numbers.
func widen(s span, plane []float32) span {
	for _, v := range plane {
		if x := float64(v); number(x) {
			s.low, s.high = min(s.low, x), max(s.high, x)
		}
	}
	return s
}

func number(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// grey brings a value to 0 to 1: black at the low end of the window and below, and
// where there is no number.
func (s span) grey(v float32, inverted bool) float64 {
	x := float64(v)
	if !number(x) {
		return 0
	}
	g := 0.0
	switch {
	case x <= s.low:
	case x >= s.high:
		g = 1
	default:
		g = (x - s.low) / (s.high - s.low)
	}
	if inverted {
		g = 1 - g
	}
	return g
}
