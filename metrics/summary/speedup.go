package summary

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
)

// Speedup is how many times as fast a runner is by several threads as by one.
type Speedup struct {
	Threads    int
	Throughput Estimate
	Times      Estimate // throughput over that of one thread; paired by round, of one thread 1 by definition
	Efficiency Estimate // that over the number of threads: 1 if every thread adds as much as the first
}

// ThreadWork is the work that workloads with several numbers of threads have in
// common, like "resnet50/infer/b8/fp32"; empty for a workload that has the
// record's.
func ThreadWork(w record.Workload) string {
	if w.Threads == 0 {
		return ""
	}
	return strings.TrimSuffix(w.ID, "/t"+strconv.Itoa(w.Threads))
}

// Speedups are a runner's by each number of threads that it was measured with,
// the least first; none if it was not measured with one thread, or with nothing
// else.
func Speedups(r *record.Record, work, runner string) []Speedup {
	cells, batch := map[int]*record.Cell{}, 0
	for _, w := range r.Workloads {
		if c := r.Cell(w.ID, runner); ThreadWork(w) == work && c != nil && c.Throughput != nil {
			cells[w.Threads], batch = c, w.Batch
		}
	}
	if cells[1] == nil || len(cells) < 2 {
		return nil
	}
	var all []Speedup
	for threads, c := range cells {
		ratios, _ := PairedRatios(c, cells[1], batch)
		if len(ratios) == 0 {
			continue // they share no round
		}
		times := Paired(ratios).Estimate
		all = append(all, Speedup{Threads: threads, Throughput: ofThroughput(c.Throughput), Times: times, Efficiency: times.Scaled(1 / float64(threads))})
	}
	slices.SortFunc(all, func(a, b Speedup) int { return cmp.Compare(a.Threads, b.Threads) })
	return all
}
