package html

import (
	"cmp"
	"math"
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/stats"
)

// overallTable ranks runners over the workloads of a mode: geometric means of
// paired ratios against the one that leads. Nil where a mode has one workload.
func overallTable(v *view) *grid {
	g := newGrid(v.Prefix+"overall-table", "Over all workloads", "mode", "runner", "#workloads", "#against the leader", "interval", "verdict")
	for _, mode := range v.modes() {
		var shared []*workloadView
		for _, w := range v.Workloads {
			if w.Mode == mode {
				shared = append(shared, w)
			}
		}
		if lead := leader(shared); len(shared) > 1 && lead != "" {
			v.overall(g, mode, lead, shared)
		}
	}
	if len(g.Rows) == 0 {
		return nil
	}
	return g
}

// leader is the runner that is ranked in most workloads, and among those has
// the highest geometric mean of throughput.
func leader(workloads []*workloadView) string {
	times, logs, best := map[string]int{}, map[string]float64{}, ""
	for _, w := range workloads {
		for _, c := range w.Cells {
			if c.Ranked() && c.Cell.Throughput != nil {
				times[c.Cell.Runner]++
				logs[c.Cell.Runner] += math.Log(c.Cell.Throughput.Median)
			}
		}
	}
	for _, w := range workloads {
		for _, c := range w.Cells {
			name := c.Cell.Runner
			if times[name] > times[best] || times[name] > 0 && times[name] == times[best] && logs[name] > logs[best] {
				best = name
			}
		}
	}
	return best
}

// resamples of the bootstrap over rounds: enough for an interval's two digits.
const resamples = 400

func (v *view) overall(g *grid, mode, lead string, workloads []*workloadView) {
	var rows []row
	for mark, name := range v.marks.names {
		ratios := pairedWith(v.Record, name, lead, workloads)
		if len(ratios) == 0 {
			continue
		}
		ratio, interval, verdict := 1.0, "", "leads"
		if name != lead {
			var iv stats.Interval
			ratio, iv = stats.SuiteRatio(ratios, 0.95, resamples, v.Seed)
			interval, verdict = absent, string(stats.Judge(iv))
			if iv.Exists() {
				interval = textf("%.2f – %.2f", iv.Low, iv.High).Text
			}
		}
		rows = append(rows, row{Runner: mark, Cells: []cell{text(mode), {Text: name, Mark: markClass(mark)}, count(len(ratios)),
			number("%.2f×", ratio), text(interval), text(verdict)}})
	}
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(*b.Cells[3].Value, *a.Cells[3].Value) })
	g.Rows = append(g.Rows, rows...)
}

// pairedWith are a runner's ratios to another one, a line a workload that both
// have, a column a round that any of them has; NaN where a round is missing.
func pairedWith(rec *record.Record, name, other string, workloads []*workloadView) [][]float64 {
	var byRound []map[int]float64
	column := map[int]int{}
	for _, w := range workloads {
		a, b := rec.Cell(w.ID, name), rec.Cell(w.ID, other)
		if a == nil || b == nil || !a.Ranked() || !b.Ranked() {
			continue
		}
		values, rounds := record.PairedRatios(a, b, w.Batch)
		if len(values) == 0 {
			continue
		}
		found := map[int]float64{}
		for i, round := range rounds {
			found[round] = values[i]
			if _, known := column[round]; !known {
				column[round] = len(column)
			}
		}
		byRound = append(byRound, found)
	}
	ratios := make([][]float64, len(byRound))
	for i, found := range byRound {
		ratios[i] = slices.Repeat([]float64{math.NaN()}, len(column))
		for round, value := range found {
			ratios[i][column[round]] = value
		}
	}
	return ratios
}
