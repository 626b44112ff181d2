package summary

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/stats"
)

// resamples of the bootstrap: the ends of its interval move by a few percent of
// its width from one seed to another.
const resamples = 1000

// overall holds every runner against the one that is fastest over the workloads
// that most runners share; nil with fewer than two workloads, where the
// comparisons say it all.
func overall(r *record.Record) []record.Overall {
	base := fastest(r)
	if base == "" || len(r.Workloads) < 2 {
		return nil
	}
	var out []record.Overall
	for _, runner := range r.Runners {
		if runner.Name == base {
			continue
		}
		if o, ok := against(r, runner.Name, base); ok {
			out = append(out, o)
		}
	}
	return out
}

// fastest is the runner that has ranked cells in the most workloads, and among
// these the highest geometric mean of throughputs.
func fastest(r *record.Record) string {
	best, most, highest := "", 0, 0.0
	for _, runner := range r.Runners {
		var speeds []float64
		for i := range r.Cells {
			if c := &r.Cells[i]; c.Runner == runner.Name && c.Ranked() && c.Throughput != nil {
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

// against is the geometric mean of a over b; false without a workload that both
// were measured on.
func against(r *record.Record, a, b string) (record.Overall, bool) {
	var ratios [][]float64
	for _, w := range r.Workloads {
		if row := byRound(r, w, a, b); row != nil {
			ratios = append(ratios, row)
		}
	}
	if len(ratios) == 0 {
		return record.Overall{}, false
	}
	ratio, iv := stats.SuiteRatio(ratios, level, resamples, r.Seed)
	verdict := stats.Judge(iv)
	if !iv.Exists() {
		iv.Low, iv.High = ratio, ratio
	}
	return record.Overall{A: a, B: b, Ratio: ratio, CILow: iv.Low, CIHigh: iv.High, Level: iv.Level, Workloads: len(ratios), Verdict: string(verdict)}, true
}

// byRound are the ratios of a workload, NaN in rounds that one of the two
// misses; nil when they share none.
func byRound(r *record.Record, w record.Workload, a, b string) []float64 {
	x, y := r.Cell(w.ID, a), r.Cell(w.ID, b)
	if x == nil || y == nil || !x.Ranked() || !y.Ranked() {
		return nil
	}
	ratios, rounds := record.PairedRatios(x, y, w.Batch)
	if len(ratios) == 0 {
		return nil
	}
	row := slices.Repeat([]float64{math.NaN()}, rounds[len(rounds)-1]+1)
	for i, round := range rounds {
		row[round] = ratios[i]
	}
	return row
}

// What is more likely a mistake than a finding between frameworks that are
// maintained: on one GPU at a large batch they run the same library's kernels,
// on CPUs builds and threads differ first.
const (
	suspiciousGPU   = 1.3
	suspiciousCPU   = 2
	suspiciousBatch = 32
)

// warnOfLargeRatios warns of cells that are slower than the fastest maintained
// framework by so much that one should look for a mistake first.
func warnOfLargeRatios(r *record.Record) {
	for _, w := range r.Workloads {
		cells := slices.DeleteFunc(ranked(r, w.ID), func(c *record.Cell) bool {
			runner := r.Runner(c.Runner)
			return c.Throughput == nil || runner == nil || !runner.Maintained
		})
		if len(cells) < 2 {
			continue
		}
		top := slices.MaxFunc(cells, func(a, b *record.Cell) int {
			return cmp.Compare(a.Throughput.Median, b.Throughput.Median)
		})
		for _, c := range cells {
			if text := suspicion(r, w, top, c); text != "" {
				r.Warn(c.Scope(), record.LargeRatio, "%s", text)
			}
		}
	}
}

func suspicion(r *record.Record, w record.Workload, top, c *record.Cell) string {
	ratio := top.Throughput.Median / c.Throughput.Median
	gpu := strings.HasPrefix(c.Device, "gpu")
	switch {
	case gpu && ratio > suspiciousGPU && w.Batch >= suspiciousBatch:
		return fmt.Sprintf("%s is %.2g times as fast: on one GPU at a large batch that is more likely a mistake of the measurement than a finding; %s", top.Runner, ratio, bothTerms(r, top, c))
	case !gpu && ratio > suspiciousCPU:
		return fmt.Sprintf("%s is %.2g times as fast: on CPUs that is usually a build or a setting of threads; %s", top.Runner, ratio, bothTerms(r, top, c))
	}
	return ""
}

// bothTerms are what to compare first.
func bothTerms(r *record.Record, a, b *record.Cell) string {
	say := func(c *record.Cell) string {
		t := r.Runner(c.Runner).Terms
		return fmt.Sprintf("%s: %d threads, %s, %s", c.Runner, t.Threads, t.Layout, t.Execution)
	}
	return say(a) + "; " + say(b)
}
