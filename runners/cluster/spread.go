package cluster

import (
	"cmp"
	"slices"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/workloads/names"
)

// Workload is what is dealt out, with how long it is expected to take.
type Workload struct {
	ID   string
	Time time.Duration
}

// Spread deals workloads out to at most so many shards.
func Spread(way string, workloads []Workload, nodes int) ([]Shard, error) {
	switch way {
	case record.ByWorkloads:
		return dealt(workloads, nodes), nil
	case record.ByNodes:
		shards := make([]Shard, nodes)
		for i := range shards {
			shards[i].Index = i
			for _, w := range workloads {
				shards[i].Workloads = append(shards[i].Workloads, w.ID)
			}
		}
		return shards, nil
	}
	return nil, names.Unknown("spread", way, record.Spreads())
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
