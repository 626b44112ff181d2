package ranking_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/ranking"
)

// 100 iterations of 2 volumes in 1 s are 200 volumes a second, of 10×20×50 voxels
// each 2 megavoxels.
func TestVolumes(t *testing.T) {
	rec := &record.Record{Workloads: []record.Workload{{ID: workload, Batch: 2, InputShape: []int{2, 1, 10, 20, 50}}},
		Cells: []record.Cell{timed("fast", 1, false), timed("slow", 4, false), {Workload: workload, Runner: "none", Status: record.Unsupported}}}
	summary.Summarize(rec)
	bytes := int64(6 << 30)
	rec.Cells[0].Utilization = &record.Utilization{MemoryPeakBytes: &bytes}
	s := ranking.Volumes(rec, workload)
	want := [][]string{{"fast", "2.00", "2.00 – 2.00", "0.00500", "3 GiB"}, {"slow", "0.500", "0.500 – 0.500", "0.0200", "–"}}
	if !slices.EqualFunc(s.Rows, want, slices.Equal[[]string]) {
		t.Errorf("%v, want %v", s.Rows, want)
	}
	if !strings.Contains(s.Title, "10×20×50") || len(s.Header) != 5 {
		t.Errorf("%+v", s)
	}
	if sheets := ranking.Sheets(rec, workload); len(sheets) != 1 {
		t.Errorf("the sheets are %v", sheets)
	}
	rec.Workloads[0].InputShape = []int{2, 1, 20, 50}
	if s := ranking.Volumes(rec, workload); len(s.Rows) != 0 {
		t.Errorf("images have %v", s)
	}
}
