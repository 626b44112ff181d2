package html

import (
	"math"
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
)

// ecdfSteps is about how many points stand for a distribution, before its tail
// gets more of them.
const ecdfSteps = 40

// ecdf is the empirical distribution of sorted values: the share of values up
// to each x. Of many values only some are kept, each exactly where it belongs:
// evenly spaced ranks, and in the tail ranks whose distance to the end shrinks
// by a quarter each, because that is where a straight line would hide most.
func ecdf(sorted []float64) (xs, shares []float64) {
	n := len(sorted)
	for _, rank := range ecdfRanks(n) {
		if rank+1 < n && sorted[rank+1] == sorted[rank] && rank > 0 {
			continue // a tie: its last value counts
		}
		xs = append(xs, sorted[rank])
		shares = append(shares, float64(rank+1)/float64(n))
	}
	return xs, shares
}

func ecdfRanks(n int) []int {
	var ranks []int
	if n <= 2*ecdfSteps {
		for i := range n {
			ranks = append(ranks, i)
		}
		return ranks
	}
	for i := range ecdfSteps + 1 {
		ranks = append(ranks, i*(n-1)/ecdfSteps)
	}
	for left := float64(n) / ecdfSteps; left >= 1; left *= 0.75 {
		ranks = append(ranks, n-1-int(math.Floor(left)))
	}
	slices.Sort(ranks)
	return slices.Compact(ranks)
}

// timelinePoints is how many points stand for a source over a process at most.
const timelinePoints = 100

// thinned are a series' times in seconds after an origin and its values. Where
// there are more than timelinePoints, each point is the mean over an equal
// share of the time, as for blocks.
func thinned(s *record.Series, origin int64) (seconds, values []float64) {
	at := func(ns int64) float64 { return float64(ns-origin) / 1e9 }
	if len(s.TimeNS) <= timelinePoints {
		for i, v := range s.Values {
			seconds, values = append(seconds, at(s.TimeNS[i])), append(values, v)
		}
		return seconds, values
	}
	first, last := s.TimeNS[0], s.TimeNS[len(s.TimeNS)-1]
	from := first
	for i := range timelinePoints {
		to := first + (last-first)/timelinePoints*int64(i+1)
		if v, ok := s.Mean(from, to); ok {
			seconds, values = append(seconds, at(to)), append(values, v)
		}
		from = to
	}
	return seconds, values
}
