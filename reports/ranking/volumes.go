package ranking

import (
	"fmt"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/table"
)

// Volumes are the figures of a workload of volumes in voxels, seconds and memory
// for each; without rows if its inputs are images.
func Volumes(rec *record.Record, workload string) Sheet {
	w := rec.Workload(workload)
	if w == nil || summary.Voxels(*w) == 0 {
		return Sheet{}
	}
	s := Sheet{Title: fmt.Sprintf("volumes of %s voxels, each of them an image in the figures above", table.Dimensions(w.InputShape[2:])),
		Header: []string{"runner", "megavoxels/s", IntervalName(rec), "s a volume", "memory a volume"}}
	for _, cell := range Cells(rec, workload) {
		v := summary.Volumes(*w, cell)
		if v == nil {
			continue
		}
		memory := "–"
		if v.MemoryBytes != nil {
			memory = table.Bytes(int64(*v.MemoryBytes))
		}
		m := v.Megavoxels
		s.Rows = append(s.Rows, []string{cell.Runner, Figure(m.Value, m.HalfWidth()), figureSpan(m.Low, m.High, m.HalfWidth()),
			Figure(v.Seconds.Value, v.Seconds.HalfWidth()), memory})
	}
	return s
}
