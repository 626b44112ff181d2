package summary

import "github.com/dlbench/dlbench/metrics/record"

// comparisons are the ratios of every two ranked cells of a workload that
// share a round, in the order of workloads and cells.
func comparisons(r *record.Record) []record.Comparison {
	out := []record.Comparison{}
	for _, w := range r.Workloads {
		cells := ranked(r, w.ID)
		for i, a := range cells {
			for _, b := range cells[i+1:] {
				if c, ok := compare(w, a, b); ok {
					out = append(out, c)
				}
			}
		}
	}
	return out
}

func ranked(r *record.Record, workload string) []*record.Cell {
	var cells []*record.Cell
	for i := range r.Cells {
		if c := &r.Cells[i]; c.Workload == workload && c.Ranked() {
			cells = append(cells, c)
		}
	}
	return cells
}

func compare(w record.Workload, a, b *record.Cell) (record.Comparison, bool) {
	ratios, _ := PairedRatios(a, b, w.Batch)
	if len(ratios) == 0 {
		return record.Comparison{}, false
	}
	ratio := Paired(ratios)
	return record.Comparison{Workload: w.ID, A: a.Runner, B: b.Runner, Ratio: ratio.Value, CILow: ratio.Low, CIHigh: ratio.High,
		Level: ratio.Level, N: ratio.N, Verdict: ratio.Verdict}, true
}
