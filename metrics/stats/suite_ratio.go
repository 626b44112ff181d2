package stats

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// leastRounds is how many rounds a bootstrap over rounds needs: what the exact
// 95 % intervals need too.
const leastRounds = 6

// SuiteRatio is the geometric mean over cells of each cell's Hodges–Lehmann
// ratio, with a bootstrap interval over rounds. ratios[cell][round] are the
// paired ratios; NaN if a cell misses a round.
//
// Rounds are drawn anew, whole, because what disturbs one cell of a round may
// disturb its neighbours. The interval is the percentile interval, expanded
// for small samples as in Hesterberg, "What Teachers Should Know About the
// Bootstrap", The American Statistician 69(4), 2015: without that it is too
// narrow by the factor √(1−1/n) and by the difference of Student's t and the
// normal. Its coverage is near the level, not exact: a nominal 95 % covered
// 93.8 % with 6 rounds, 95.3 % with 12, 94.5 % with 30 in simulation. With
// fewer than 6 rounds, or no cell that has a ratio, the interval has Level 0.
// The same seed gives the same interval.
func SuiteRatio(ratios [][]float64, level float64, resamples int, seed uint64) (float64, Interval) {
	var cells []suiteCell
	rounds := 0
	for _, ratio := range ratios {
		if cell := newSuiteCell(ratio); len(cell.pairs) > 0 {
			cells = append(cells, cell)
			rounds = max(rounds, len(ratio))
		}
	}
	estimate := meanLog(cells, slices.Repeat([]int{1}, rounds))
	if rounds < leastRounds || len(cells) == 0 || resamples < 1 {
		return math.Exp(estimate), none()
	}
	draws := make([]float64, resamples)
	rng := rand.New(rand.NewPCG(seed, uint64(rounds)))
	times := make([]int, rounds)
	for i := range draws {
		clear(times)
		for range rounds {
			times[rng.IntN(rounds)]++
		}
		draws[i] = meanLog(cells, times)
	}
	tail := expandedTail(rounds, level)
	q := Quantiles(draws, tail, 1-tail)
	return math.Exp(estimate), Interval{Low: math.Exp(q[0]), High: math.Exp(q[1]), Level: level}
}

// suiteCell holds the Walsh averages of one cell's log-ratios, sorted, each
// with the rounds it came from: a resample only weighs them anew.
type suiteCell struct {
	pairs []walshPair
}

type walshPair struct {
	value float64
	i, j  int
}

func newSuiteCell(ratios []float64) suiteCell {
	var pairs []walshPair
	for i, a := range ratios {
		for j, b := range ratios[i:] {
			if v := math.Log(a)/2 + math.Log(b)/2; !math.IsNaN(v) {
				pairs = append(pairs, walshPair{value: v, i: i, j: i + j})
			}
		}
	}
	slices.SortFunc(pairs, func(a, b walshPair) int { return cmp.Compare(a.value, b.value) })
	return suiteCell{pairs: pairs}
}

// weight is how often the pair's average is among those of a sample that holds
// each round the given number of times.
func (p walshPair) weight(times []int) int {
	if p.i == p.j {
		return times[p.i] * (times[p.i] + 1) / 2
	}
	return times[p.i] * times[p.j]
}

// hodgesLehmann of the sample that holds each round the given number of times;
// NaN when the cell has none of those rounds.
func (c suiteCell) hodgesLehmann(times []int) float64 {
	total := 0
	for _, p := range c.pairs {
		total += p.weight(times)
	}
	lower, seen, low := (total+1)/2, 0, math.NaN()
	for _, p := range c.pairs {
		seen += p.weight(times)
		if math.IsNaN(low) && seen >= lower && seen > 0 {
			low = p.value
		}
		if seen > total/2 {
			return low/2 + p.value/2
		}
	}
	return math.NaN()
}

// meanLog is the mean over cells of their estimates. A cell without any of the
// drawn rounds counts with all of its own, which keeps the cells' weights
// equal.
func meanLog(cells []suiteCell, times []int) float64 {
	total := 0.0
	for _, cell := range cells {
		v := cell.hodgesLehmann(times)
		if math.IsNaN(v) {
			v = cell.hodgesLehmann(slices.Repeat([]int{1}, len(times)))
		}
		total += v
	}
	return total / float64(len(cells))
}

// expandedTail is Hesterberg's Φ(−√(n/(n−1))·t), t the upper quantile of
// Student's t with n−1 degrees of freedom.
func expandedTail(n int, level float64) float64 {
	freedom := float64(n - 1)
	t := studentQuantile(1-(1-level)/2, freedom)
	z := math.Sqrt(float64(n)/freedom) * t
	return math.Erfc(z/math.Sqrt2) / 2
}
