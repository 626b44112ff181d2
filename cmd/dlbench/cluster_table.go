package main

import (
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/dlbench/dlbench/reports/table"
	"github.com/dlbench/dlbench/runners/cluster"
)

// shardRow is what is told of a shard.
type shardRow struct {
	Shard     int      `json:"shard"`
	Node      string   `json:"node"`
	Workloads []string `json:"workloads"`
	Record    string   `json:"record,omitempty"`  // its file
	Missing   string   `json:"missing,omitempty"` // why there is no record, or why it is partial
}

// showCluster prints what became of every shard.
func (p *program) showCluster(run *cluster.Campaign, dir string, members []cluster.Member, asJSON bool) error {
	t := table.New("shard", "node", "workloads", "record")
	rows := make([]shardRow, len(members))
	for i, m := range members {
		of := run.Plan().Shards[i]
		row := shardRow{Shard: i, Node: m.Node, Workloads: of.Workloads, Missing: m.Missing}
		told := m.Missing
		if m.Record != nil {
			row.Record = filepath.Join(cluster.ShardDir(dir, i), "result.json")
			if told = row.Record; m.Missing != "" {
				told = fmt.Sprintf("%s, partial: %s", row.Record, m.Missing)
			}
		}
		rows[i] = row
		t.Add(strconv.Itoa(i), m.Node, strconv.Itoa(len(of.Workloads)), told)
	}
	return p.print(asJSON, rows, t)
}
