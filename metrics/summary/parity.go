package summary

import "github.com/dlbench/dlbench/metrics/record"

// ToleranceUsed is the share of its tolerance that a check uses up, false for a
// check without one.
func ToleranceUsed(c record.Check) (share float64, ok bool) {
	if c.Tolerance <= 0 {
		return 0, false
	}
	return c.Value / c.Tolerance, true
}

// Worst is the check that came nearest to its tolerance or went furthest beyond
// it, nil of none; beyond counts those that did not pass. A check that failed
// without a tolerance to hold it against is worse than any other.
func Worst(checks []record.Check) (worst *record.Check, beyond int) {
	badness := func(c record.Check) float64 {
		used, ok := ToleranceUsed(c)
		switch {
		case ok:
			return used
		case c.Passed:
			return 0
		}
		return 1e9
	}
	for i := range checks {
		c := &checks[i]
		if !c.Passed {
			beyond++
		}
		if worst == nil || badness(*c) > badness(*worst) {
			worst = c
		}
	}
	return worst, beyond
}
