package summary

import "github.com/dlbench/dlbench/metrics/record"

// Worst is the check that came nearest to its tolerance or went furthest beyond
// it, nil of none; beyond counts those that did not pass.
func Worst(checks []record.Check) (worst *record.Check, beyond int) {
	for i := range checks {
		c := &checks[i]
		if !c.Passed {
			beyond++
		}
		if worst == nil || c.WorseThan(*worst) {
			worst = c
		}
	}
	return worst, beyond
}
