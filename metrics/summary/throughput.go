package summary

import (
	"iter"
	"maps"
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/stats"
)

// throughput is nil when no process was measured.
func throughput(c *record.Cell, w *record.Workload) *record.Throughput {
	if w == nil {
		return nil
	}
	values := Throughputs(c, w.Batch)
	if len(values) == 0 {
		return nil
	}
	t := overProcesses(values).asThroughput("images/s", stats.Outliers(values))
	t.Converged = c.Throughput != nil && c.Throughput.Converged
	return t
}

// ProcessThroughput is the median over the process's offline or train blocks of
// batch × iterations over time, in images per second; false when the process
// failed or has no such block.
func ProcessThroughput(p record.Process, batch int) (float64, bool) {
	var blocks []float64
	for _, b := range p.Blocks {
		if b.TimesThroughput() {
			blocks = append(blocks, b.Throughput(batch))
		}
	}
	if p.Status != record.Measured || len(blocks) == 0 {
		return 0, false
	}
	return stats.Median(blocks), true
}

// byRound are the throughputs of the cell's processes.
func byRound(c *record.Cell, batch int) map[int]float64 {
	found := map[int]float64{}
	for _, p := range c.Processes {
		if v, ok := ProcessThroughput(p, batch); ok {
			found[p.Round] = v
		}
	}
	return found
}

// Throughputs are those of the cell's processes in the order of rounds.
func Throughputs(c *record.Cell, batch int) []float64 {
	var values []float64
	for _, v := range throughputsByRound(c, batch) {
		values = append(values, v)
	}
	return values
}

// throughputsByRound are the rounds, ascending, with the throughput of each.
func throughputsByRound(c *record.Cell, batch int) iter.Seq2[int, float64] {
	found := byRound(c, batch)
	return func(yield func(int, float64) bool) {
		for _, round := range slices.Sorted(maps.Keys(found)) {
			if !yield(round, found[round]) {
				return
			}
		}
	}
}

// PairedRatios are the ratios of throughputs of a over b in the rounds that both
// have, with those rounds, ascending.
func PairedRatios(a, b *record.Cell, batch int) (ratios []float64, rounds []int) {
	numerators, denominators := byRound(a, batch), byRound(b, batch)
	for _, round := range slices.Sorted(maps.Keys(numerators)) {
		if below, both := denominators[round]; both {
			ratios, rounds = append(ratios, numerators[round]/below), append(rounds, round)
		}
	}
	return ratios, rounds
}
