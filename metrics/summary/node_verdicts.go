package summary

import (
	"fmt"
	"math"
	"slices"

	"github.com/dlbench/dlbench/metrics/stats"
)

// Machines of one kind differ a little although none is at fault, and so do fresh
// processes on one machine. A machine is called slow if it lies further below the
// middle of its kind than both explain, over all machines that are looked at:
// docs/nodes.md has the method and what it was seen to promise.

// NodeRule is when a machine is called slow or fast.
type NodeRule struct {
	P      float64 `json:"p"`      // at most so many of the fleets without a slow machine have one called slow; the same of fast ones
	Change float64 `json:"change"` // and it differs by this share at least
}

// UsualNodeRule is what nobody asks to be otherwise.
var UsualNodeRule = NodeRule{P: 0.01, Change: 0.01}

// The verdicts on a machine.
const (
	SlowNode    = "slow"
	FastNode    = "fast"
	UsualNode   = "as the others"
	UnknownNode = "unknown"
)

const (
	// assumedNodes is how much machines of one kind are taken to differ before any
	// were seen, and assumedNodesWorth how many machines that is worth.
	assumedNodes      = 0.005
	assumedNodesWorth = 4
	// fewestRounds of a machine say how its processes vary.
	fewestRounds = 2
	// blind is from which loss on, that would just be seen, a machine is unknown
	// and not as the others.
	blind = 0.10
	// leastP is what p is said to be at least: below, it is 1 less what cannot be told
	// from 1.
	leastP = 1e-15
	// foundOften is the share of machines slower by NodeFinding.Sees that is called slow.
	foundOften = 0.90
)

// centerLoss is the variance of Hodges and Lehmann's estimate over that of the
// mean, for normal values: once over processes, once over cells.
const centerLoss = (math.Pi / 3) * (math.Pi / 3)

// NodeFinding is what was found of one machine.
type NodeFinding struct {
	Verdict   string
	Why       string  // it is unknown
	Ratio     float64 // of its throughputs to the middle of its kind; 0 if there is none
	Low, High float64 // how well that is known, by its processes
	Level     float64
	P         float64 // one-sided, adjusted for all machines and for neither direction
	Sees      float64 // a loss of this share would have been called slow nine times of ten
	Cells     int     // that it shares with others of its kind
	Rounds    int
	Processes int
	Worst     *CellShift // the cell in which it is furthest below the others
}

// CellShift is a machine's ratio to the others in one cell.
type CellShift struct {
	Workload string  `json:"workload"`
	Runner   string  `json:"runner"`
	Ratio    float64 `json:"ratio"`
}

// KindFinding is what was found of the machines of a kind.
type KindFinding struct {
	Name    string
	Nodes   int
	Judged  int
	Between float64 // standard deviation between machines, as a share
	Within  float64 // and of one machine's level by its processes, the middle one
	Sees    float64 // of the middle machine
}

// JudgeNodes sets machines beside those of their kind. The findings are in their
// order, the kinds in that in which they first came.
func JudgeNodes(nodes []NodeFigures, rule NodeRule) ([]NodeFinding, []KindFinding) {
	found := make([]NodeFinding, len(nodes))
	var kinds []*kind
	for i, n := range nodes {
		at := slices.IndexFunc(kinds, func(k *kind) bool { return k.name == n.Kind })
		if at < 0 {
			at = len(kinds)
			kinds = append(kinds, &kind{name: n.Kind})
		}
		kinds[at].members = append(kinds[at].members, i)
	}
	judged := 0
	for _, k := range kinds {
		k.measure(nodes, found)
		judged += len(k.levels)
	}
	out := make([]KindFinding, len(kinds))
	var levels []level
	for i, k := range kinds {
		k.compare(found, rule, judged)
		levels = append(levels, k.levels...)
		out[i] = k.finding(found)
	}
	decideNodes(found, levels, rule)
	for i, k := range kinds {
		for _, l := range k.levels {
			if found[l.node].Verdict != UnknownNode {
				out[i].Judged++
			}
		}
	}
	return found, out
}

// decideNodes makes the verdicts, over the machines of all kinds together.
func decideNodes(found []NodeFinding, levels []level, rule NodeRule) {
	for _, verdict := range []string{SlowNode, FastNode} {
		p := make([]float64, len(levels))
		for i, l := range levels {
			p[i] = stats.StudentP(l.shift/l.spread.SD, l.spread.Freedom)
			if (l.shift < 0) != (verdict == SlowNode) {
				p[i] = 1 - p[i]
			}
		}
		for i, adjusted := range stats.Holm(p) {
			l := levels[i]
			f := &found[l.node]
			if (l.shift < 0) != (verdict == SlowNode) {
				continue
			}
			f.P, f.Verdict = max(adjusted, leastP), UsualNode
			switch {
			case adjusted <= rule.P && f.differsBy(rule.Change):
				f.Verdict = verdict
			case f.Sees > blind:
				f.Verdict = UnknownNode
				f.Why = fmt.Sprintf("its figures vary so much that only a loss of %.0f %% would have been seen", 100*f.Sees)
			}
		}
	}
}

// differsBy says whether the machine is further than a share from the others.
func (f NodeFinding) differsBy(share float64) bool {
	return f.Ratio <= 1-share || f.Ratio >= 1/(1-share)
}
