package suite

import (
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/dlbench/dlbench/workloads/plan"
)

// The words for numbers of threads that depend on the machine.
const (
	allThreads = "all"    // as many as a run takes by default
	scale      = "1..all" // 1, 2, 4 … and all
)

// scenarios are those that a suite may ask for beside throughput and the
// latency of a single stream, which are always measured.
var scenarios = []string{"multi-stream", "server", slidingWindow}

// threadCounts reads numbers of threads, each once, from the least on. On a
// small machine several of them may be the same.
func (r *reader) threadCounts(into *[]int) func(*yaml.Node) error {
	return func(n *yaml.Node) error {
		*into = nil
		for _, item := range items(n) {
			text, err := scalar(item)
			if err != nil {
				return err
			}
			count, err := strconv.Atoi(text)
			switch {
			case text == allThreads:
				*into = append(*into, r.threads)
			case text == scale:
				*into = append(*into, doubling(r.threads)...)
			case err != nil || count < 1 || count > plan.MostThreads:
				return at(item, "threads %q, expected a whole number from 1 to %d, %q, or %q for powers of two and all", text, plan.MostThreads, allThreads, scale)
			default:
				*into = append(*into, count)
			}
		}
		if len(*into) == 0 {
			return at(n, "threads is empty: expected numbers like [1, 2, all]")
		}
		slices.Sort(*into)
		*into = slices.Compact(*into)
		return nil
	}
}

// doubling is 1, 2, 4 … and the most.
func doubling(most int) []int {
	var counts []int
	for n := 1; n < most; n *= 2 {
		counts = append(counts, n)
	}
	return append(counts, max(1, most))
}
