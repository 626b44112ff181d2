package gate

import (
	"math"

	"github.com/dlbench/dlbench/metrics/stats"
)

// Rule is when a cell is called slower.
type Rule struct {
	Pairs  int     `json:"pairs,omitempty"` // of each stage of a re-run
	P      float64 `json:"p"`               // one-sided, at most
	Change float64 `json:"change"`          // of the median, as a share, at least
}

// The rules of the three ways. Two stages of 12 pairs at 0.01 give 2e-5 false
// alarms a cell where processes differ by 0.5 % (docs/method.md). Without pairs
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

// paired tests ratios of throughputs by the signed-rank test on their
// logarithms.
func paired(ratios []float64) Test {
	logs := make([]float64, len(ratios))
	for i, r := range ratios {
		logs[i] = math.Log(r)
	}
	t := Test{Pairs: len(ratios), Ratio: stats.Median(ratios)}
	t.P = stats.SignedRankP(logs, t.direction())
	return t
}

// unpaired tests two samples of throughputs by the rank-sum test.
func unpaired(older, newer []float64) Test {
	ratio, _ := stats.UnpairedRatio(newer, older, level)
	t := Test{Pairs: min(len(older), len(newer)), Ratio: ratio}
	t.P = stats.RankSumP(newer, older, t.direction())
	return t
}

func (t Test) direction() stats.Alternative {
	if t.Ratio > 1 {
		return stats.Greater
	}
	return stats.Less
}

// verdict is what the test alone says under a rule.
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

// possible says whether so few observations could ever meet the rule.
func (r Rule) possible(t Test, unpaired bool) bool {
	n := float64(t.Pairs)
	least := math.Pow(0.5, n)
	if unpaired { // all of one side below all of the other
		logChoose := lgamma(2*n+1) - 2*lgamma(n+1)
		least = math.Exp(-logChoose)
	}
	return least <= r.P
}

func lgamma(x float64) float64 {
	v, _ := math.Lgamma(x)
	return v
}

// level is the coverage that intervals are asked for.
const level = 0.95
