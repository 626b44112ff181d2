package ranking

import (
	"fmt"
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// Peaks say what the workloads' shares of the peak are of, or why there are none:
// a line each, of those that differ.
func Peaks(rec *record.Record) (lines []string) {
	for _, w := range rec.Workloads {
		if line := peakOf(rec, w); !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return lines
}

func peakOf(rec *record.Record, w record.Workload) string {
	roof := summary.RoofOf(rec, w)
	if roof.Ceiling == nil {
		return fmt.Sprintf("no share of a peak is shown in %s: %s", w.Precision, roof.Reason)
	}
	kind := "by the datasheet"
	if roof.Measured {
		kind = "measured"
	}
	words := fmt.Sprintf("the peak in %s is %s GFLOP/s", w.Precision, Figure(roof.GFLOPS, 0))
	if roof.BandwidthBytesPerSec > 0 {
		words += fmt.Sprintf(" and %s GB/s", Figure(roof.BandwidthBytesPerSec/1e9, 0))
	}
	if w.Threads > 0 {
		words += fmt.Sprintf(" with %d threads", w.Threads)
	}
	return fmt.Sprintf("%s, %s: %s", words, kind, roof.Source)
}
