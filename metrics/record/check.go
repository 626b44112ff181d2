package record

import "math"

// Used is the share of its tolerance that a check uses up, false for a check
// without one.
func (c Check) Used() (share float64, ok bool) {
	if c.Tolerance <= 0 {
		return 0, false
	}
	return c.Value / c.Tolerance, true
}

// WorseThan says whether the check is nearer to its tolerance, or further beyond
// it. One that failed without a tolerance to hold it against is worse than any
// other.
func (c Check) WorseThan(other Check) bool { return c.badness() > other.badness() }

func (c Check) badness() float64 {
	used, ok := c.Used()
	switch {
	case ok:
		return used
	case c.Passed:
		return 0
	}
	return math.Inf(1)
}
