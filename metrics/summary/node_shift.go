package summary

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/dlbench/dlbench/metrics/stats"
)

// shifted is how far a machine is from the others in one cell.
type shifted struct {
	key   cellKey
	cell  *NodeCell
	shift float64
}

// compare orders by the cell, so that the same records always give the same
// figures.
func (s shifted) compare(other shifted) int {
	return cmp.Or(cmp.Compare(s.key.workload, other.key.workload), cmp.Compare(s.key.runner, other.key.runner), cmp.Compare(s.key.digest, other.key.digest))
}

// mostWalsh is how many cells Hodges and Lehmann's estimate is made of; of more,
// whose pairs would be very many, the median is as good.
const mostWalsh = 200

// levelOf is a machine's shift over its cells, and how sure that is. What happens
// to a machine during a round happens to all of its cells, so the variance is
// that between rounds, of what each contributes to the mean over cells.
func levelOf(node int, own []shifted, noise map[cellKey]float64) level {
	values := make([]float64, len(own))
	expected := 0.0
	rounds := map[int32]float64{}
	for i, s := range own {
		values[i] = s.shift
		n := float64(len(s.cell.Logs))
		expected += noise[s.key] / n
		mean := stats.Mean(s.cell.Logs)
		for j, v := range s.cell.Logs {
			rounds[s.cell.Rounds[j]] += (v - mean) / n
		}
	}
	cells, n := float64(len(own)), float64(len(rounds))
	squares := 0.0
	for _, round := range slices.Sorted(maps.Keys(rounds)) {
		squares += rounds[round] * rounds[round]
	}
	l := level{node: node, shift: stats.Median(values), rounds: len(rounds),
		measured: centerLoss * n / (n - 1) * squares / (cells * cells), expected: centerLoss * expected / (cells * cells)}
	if len(values) <= mostWalsh {
		l.shift = stats.HodgesLehmann(values)
	}
	return l
}

// describe says what a machine's shift was made of.
func (f *NodeFinding) describe(own []shifted) {
	f.Cells = len(own)
	for _, s := range own {
		f.Processes += len(s.cell.Logs)
		if ratio := math.Exp(s.shift); f.Worst == nil || ratio < f.Worst.Ratio {
			f.Worst = &CellShift{Workload: s.key.workload, Runner: s.key.runner, Ratio: ratio}
		}
	}
}
