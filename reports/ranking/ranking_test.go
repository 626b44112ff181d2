package ranking_test

import (
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/ranking"
)

const workload = "lenet/infer/b8/fp32"

// A caveat stands beside the figure that it concerns, and beside no other.
func TestNotesAreTheCellsOwnCaveats(t *testing.T) {
	rec := &record.Record{
		Workloads: []record.Workload{{ID: workload, Batch: 8}},
		Cells: []record.Cell{
			{Workload: workload, Runner: "a", Status: record.Measured, Throughput: &record.Throughput{Median: 2}},
			{Workload: workload, Runner: "b", Status: record.Measured, Throughput: &record.Throughput{Median: 1}},
			{Workload: workload, Runner: "c", Status: record.NotRanked, Reason: "parity failed", Throughput: &record.Throughput{Median: 3}}},
		Warnings: []record.Warning{
			{Code: record.VirtualMachine, Scope: "run"},
			{Code: record.ForeignLoad, Scope: "cell:" + workload + "/a"},
			{Code: record.StealTime, Scope: "cell:" + workload + "/a"},
			{Code: record.ThreadsMismatch, Scope: "runner:c"},
			{Code: record.ForeignLoad, Scope: "cell:lenet/train/b8/fp32/b"}}}
	got := map[string]string{}
	for _, row := range ranking.Rows(rec, workload) {
		got[row.Runner] = row.Notes
	}
	for runner, want := range map[string]string{"a": "foreign_load, steal_time", "b": "", "c": "not ranked: parity failed, threads_mismatch"} {
		if got[runner] != want {
			t.Errorf("%s: %q, expected %q", runner, got[runner], want)
		}
	}
}
