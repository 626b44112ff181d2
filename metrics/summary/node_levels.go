package summary

import (
	"slices"

	"github.com/dlbench/dlbench/metrics/stats"
)

// kind are the machines that may be held against one another.
type kind struct {
	name    string
	members []int // numbers of the machines
	levels  []level
	between stats.Spread // of the machines
	usual   float64      // own variance of the middle one
}

// level is how far a machine is from the middle of its kind.
type level struct {
	node     int
	shift    float64      // of logarithms
	own      stats.Spread // of the shift, by the machine's processes
	spread   stats.Spread // of the shift of a machine that is as the others
	measured float64      // own variance before it was moderated
	expected float64      // what the variance would be if its processes were as those of the others
	rounds   int
}

// place is a cell of a machine.
type place struct {
	node  int
	cell  *NodeCell
	level float64 // center of its processes
}

type cellKey struct{ workload, runner, digest string }

// measure finds the shift of every machine of the kind that shares a cell with
// another, and says of the others why they have none.
func (k *kind) measure(nodes []NodeFigures, found []NodeFinding) {
	cells := map[cellKey][]place{}
	for _, i := range k.members {
		for j := range nodes[i].Cells {
			c := &nodes[i].Cells[j]
			if len(c.Logs) >= fewestRounds {
				key := cellKey{c.Workload, c.Runner, c.Digest}
				cells[key] = append(cells[key], place{i, c, stats.HodgesLehmann(c.Logs)})
			}
		}
	}
	shifts, noise := map[int][]shifted{}, map[cellKey]float64{}
	for key, places := range cells {
		if len(places) < 2 {
			continue
		}
		noise[key] = processVariance(places)
		for i, center := range centers(places) {
			p := places[i]
			shifts[p.node] = append(shifts[p.node], shifted{key, p.cell, p.level - center})
		}
	}
	for _, i := range k.members {
		f := &found[i]
		f.Verdict = UnknownNode
		own := shifts[i]
		switch {
		case len(nodes[i].Cells) == 0:
			f.Why = "nothing was measured on it that is ranked"
		case len(k.members) == 1:
			f.Why = "it is the only one of its kind: " + k.name
		case len(own) == 0 && tooFewRounds(nodes[i]):
			f.Why = "it has one process of each cell, which says nothing of how they vary: it takes 2"
		case len(own) == 0:
			f.Why = "it shares no measured cell with another of its kind"
		default:
			slices.SortFunc(own, shifted.compare)
			k.levels = append(k.levels, levelOf(i, own, noise))
			f.describe(own)
		}
	}
}

func tooFewRounds(n NodeFigures) bool {
	return !slices.ContainsFunc(n.Cells, func(c NodeCell) bool { return len(c.Logs) >= fewestRounds })
}

// processVariance is how much processes of one machine vary in a cell, over all
// machines.
func processVariance(places []place) float64 {
	squares, free := 0.0, 0
	for _, p := range places {
		squares += stats.Variance(p.cell.Logs) * float64(len(p.cell.Logs)-1)
		free += len(p.cell.Logs) - 1
	}
	return squares / float64(free)
}

// centers are what each machine's level in a cell is held against: the median of
// all, or, of two, the other.
func centers(places []place) []float64 {
	if len(places) == 2 {
		return []float64{places[1].level, places[0].level}
	}
	all := make([]float64, len(places))
	for i, p := range places {
		all[i] = p.level
	}
	median := stats.Median(all)
	for i := range all {
		all[i] = median
	}
	return all
}
