package nodes

import (
	"fmt"

	"github.com/dlbench/dlbench/reports/ranking"
)

// Workload is the ranking of a workload, from the shard that measured it: all its
// runners on one node, in the same rounds.
type Workload struct {
	ID       string        `json:"id"`
	Shard    int           `json:"shard"`
	Node     string        `json:"node"`
	Interval string        `json:"interval"` // what stands beside the medians
	Rows     []ranking.Row `json:"rows"`     // the fastest first, as every report words them
	Report   string        `json:"report,omitempty"`
}

// rankingsOf are those of the workloads of a member's record.
func rankingsOf(m Member, node string) []Workload {
	var all []Workload
	for _, w := range m.Record.Workloads {
		all = append(all, Workload{ID: w.ID, Shard: m.Shard, Node: node, Interval: ranking.IntervalName(m.Record), Rows: ranking.Rows(m.Record, w.ID), Report: m.Report})
	}
	return all
}

// measured says whether anything of the workload was measured.
func (w Workload) measured() bool {
	for _, row := range w.Rows {
		if row.Throughput != "" {
			return true
		}
	}
	return false
}

// sheet is the ranking as a table.
func (w Workload) sheet() ranking.Sheet {
	return ranking.Ranked(fmt.Sprintf("%s, on %s", w.ID, w.Node), w.Interval, w.Rows)
}
