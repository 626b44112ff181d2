package gate

import (
	"github.com/dlbench/dlbench/metrics/summary"
)

// Rule is when a cell is called slower.
type Rule struct {
	Pairs  int     `json:"pairs,omitempty"` // of each stage of a re-run
	P      float64 `json:"p"`               // one-sided, at most
	Change float64 `json:"change"`          // of the median, as a share, at least
}

// The rules of the three ways. Two stages of 12 pairs at 0.01 give 2e-5 false
// alarms a cell if processes differ by 0.5 % (docs/method.md). Without pairs
// a machine that changes from one day to another looks like a change, so that
// less counts there: two records have to differ by 2 %, and by p = 0.002, which
// takes six processes on each side of which none overlap.
var (
	RerunRule  = Rule{Pairs: 12, P: 0.01, Change: 0.005}
	StoredRule = Rule{P: 0.002, Change: 0.02}
	TrendRule  = Rule{P: 0.001, Change: 0.005}
)

// Test is one look at a cell.
type Test struct {
	Pairs int     `json:"pairs"` // or the smaller number of processes of a side
	P     float64 `json:"p"`     // one-sided, in the direction of the change
	Ratio float64 `json:"ratio"` // median, new over old
}

// testOf is what a statistic says of a change.
func testOf(t summary.Test) Test { return Test{Pairs: t.N, P: t.OneSided, Ratio: t.Change} }

// verdict is what the test by itself says under a rule.
func (r Rule) verdict(t Test) string {
	switch {
	case t.P > r.P:
		return Unchanged
	case t.Ratio <= 1-r.Change:
		return Slower
	case t.Ratio >= 1/(1-r.Change):
		return Faster
	}
	return Unchanged
}

// possible says whether two samples of this size could ever meet the rule.
func (r Rule) possible(t Test) bool { return summary.LeastUnpairedP(t.Pairs, t.Pairs) <= r.P }
