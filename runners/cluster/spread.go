package cluster

import (
	"cmp"
	"slices"
	"time"

	"github.com/dlbench/dlbench/workloads/names"
)

// The ways to spread a campaign over nodes.
const (
	ByWorkloads = "workloads" // each workload on one node with all its runners: the campaign takes a share of the time
	ByNodes     = "nodes"     // all of it on every node: which machine is slow?
)

// Spreads are the names of the ways.
func Spreads() []string { return []string{ByWorkloads, ByNodes} }

// Workload is what is dealt out, with how long it is expected to take.
type Workload struct {
	ID   string
	Time time.Duration
}

// Spread deals workloads out to at most so many shards.
func Spread(way string, workloads []Workload, nodes int) ([]Shard, error) {
	switch way {
	case ByWorkloads:
		return dealt(workloads, nodes), nil
	case ByNodes:
		shards := make([]Shard, nodes)
		for i := range shards {
			shards[i].Index = i
			for _, w := range workloads {
				shards[i].Workloads = append(shards[i].Workloads, w.ID)
			}
		}
		return shards, nil
	}
	return nil, names.Unknown("spread", way, Spreads())
}

// dealt gives the longest workload that is left to the shard that has the least
// to do, so that all end at about the same time. A workload is never split: what
// its runners are compared by are pairs on one machine. The order of a shard is
// that of the suite.
func dealt(workloads []Workload, nodes int) []Shard {
	shards := make([]Shard, min(nodes, len(workloads)))
	load := make([]time.Duration, len(shards))
	order := make([]int, len(workloads))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(workloads[b].Time, workloads[a].Time) })
	of := make([]int, len(workloads))
	count := make([]int, len(shards))
	for _, i := range order {
		least := 0
		for s := range shards {
			if load[s] < load[least] || load[s] == load[least] && count[s] < count[least] {
				least = s
			}
		}
		of[i] = least
		load[least] += workloads[i].Time
		count[least]++
	}
	for s := range shards {
		shards[s].Index = s
	}
	for i, w := range workloads {
		shards[of[i]].Workloads = append(shards[of[i]].Workloads, w.ID)
	}
	return shards
}
