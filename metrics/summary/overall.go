package summary

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/stats"
)

// resamples of the bootstrap: the ends of its interval move by a few percent of
// its width from one seed to another.
const resamples = 1000

// overall holds the runners of each mode against the one that is fastest in it,
// the fastest first. Inference and training are never pooled: a mean over both
// answers nobody's question. A mode with one workload has no overall, because
// its comparisons say it all.
func overall(r *record.Record) []record.Overall {
	var out []record.Overall
	for _, mode := range r.Modes() {
		workloads := slices.DeleteFunc(slices.Clone(r.Workloads), func(w record.Workload) bool { return w.Mode != mode })
		if base := fastest(r, workloads); base != "" && len(workloads) > 1 {
			out = append(out, against(r, mode, base, workloads)...)
		}
	}
	return out
}

// fastest is the runner that has ranked cells in the most of the workloads, and
// among these the highest geometric mean of throughputs.
func fastest(r *record.Record, workloads []record.Workload) string {
	best, most, highest := "", 0, 0.0
	for _, runner := range r.Runners {
		var speeds []float64
		for _, w := range workloads {
			if c := r.Cell(w.ID, runner.Name); c != nil && c.Ranked() && c.Throughput != nil {
				speeds = append(speeds, c.Throughput.Median)
			}
		}
		mean := stats.GeometricMean(speeds)
		if len(speeds) > most || len(speeds) == most && mean > highest {
			best, most, highest = runner.Name, len(speeds), mean
		}
	}
	return best
}

// against are the geometric means of every other runner over the base.
func against(r *record.Record, mode, base string, workloads []record.Workload) []record.Overall {
	var out []record.Overall
	for _, runner := range r.Runners {
		ratios := sharedRatios(r, runner.Name, base, workloads)
		if runner.Name == base || len(ratios) == 0 {
			continue
		}
		ratio, iv := stats.SuiteRatio(ratios, stats.Level, resamples, r.Seed)
		verdict := stats.Judge(iv)
		if !iv.Exists() {
			iv.Low, iv.High = ratio, ratio
		}
		out = append(out, record.Overall{Mode: mode, A: runner.Name, B: base, Ratio: ratio, CILow: iv.Low, CIHigh: iv.High,
			Level: iv.Level, Workloads: len(ratios), Verdict: string(verdict)})
	}
	slices.SortStableFunc(out, func(a, b record.Overall) int { return cmp.Compare(b.Ratio, a.Ratio) })
	return out
}

// sharedRatios are the ratios of a over b: a row for each workload that both are
// ranked on, a column for each round in which they share one of these, NaN if
// a workload misses the round. A round that none of them has is no column: a
// bootstrap would draw it, and count it.
func sharedRatios(r *record.Record, a, b string, workloads []record.Workload) [][]float64 {
	var found []map[int]float64
	all := map[int]bool{}
	for _, w := range workloads {
		x, y := r.Cell(w.ID, a), r.Cell(w.ID, b)
		if x == nil || y == nil || !x.Ranked() || !y.Ranked() {
			continue
		}
		ratios, rounds := PairedRatios(x, y, w.Batch)
		if len(ratios) == 0 {
			continue
		}
		row := map[int]float64{}
		for i, round := range rounds {
			row[round], all[round] = ratios[i], true
		}
		found = append(found, row)
	}
	columns := slices.Sorted(maps.Keys(all))
	out := make([][]float64, len(found))
	for i, row := range found {
		for _, round := range columns {
			ratio, ok := row[round]
			if !ok {
				ratio = math.NaN()
			}
			out[i] = append(out[i], ratio)
		}
	}
	return out
}
