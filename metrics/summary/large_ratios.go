package summary

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
)

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
	gpu := record.OnGPU(c.Device)
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
		return fmt.Sprintf("%s: %s threads, %s, %s", c.Runner, t.ThreadsText(), t.Layout, t.Execution)
	}
	return say(a) + "; " + say(b)
}
