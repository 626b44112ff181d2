package stats

import (
	"cmp"
	"math"
	"slices"
	"sync"
)

// RankSumP is the exact p-value of the rank-sum test that two independent
// samples come from one distribution (Wilcoxon, "Individual Comparisons by
// Ranking Methods", Biometrics Bulletin 1(6), 1945; Mann & Whitney, "On a Test
// of Whether one of Two Random Variables is Stochastically Larger than the
// Other", Annals of Mathematical Statistics 18(1), 1947). Greater looks for an
// x above y. Tied values share their mean rank, and the p-value stays exact,
// because it is that of the permutation distribution given those ranks.
// Two-sided is twice the smaller tail, at most 1. Without an x or a y it is 1.
//
// Where len(x)·len(y) is above 3,600 it is that of the normal approximation
// with the correction for ties, which is then off by less than 3e-4.
func RankSumP(x, y []float64, alternative Alternative) float64 {
	if len(x) == 0 || len(y) == 0 {
		return 1
	}
	if len(x) > len(y) { // the cost grows with the sample that is summed
		return RankSumP(y, x, alternative.mirrored())
	}
	ranks, statistic := midRanks(x, y)
	less, greater := rankSumTails(ranks, len(x), statistic)
	switch alternative {
	case Greater:
		return min(1, greater)
	case Less:
		return min(1, less)
	default:
		return min(1, 2*min(greater, less))
	}
}

// rankSumTails are P(W ≤ w) and P(W ≥ w) of the sum W of n of the ranks.
func rankSumTails(ranks []int, n, w int) (less, greater float64) {
	if !exactRankSum(n, len(ranks)-n) {
		return approximateTails(ranks, n, w)
	}
	distribution := subsetSums(ranks, n)
	return sum(distribution[:w+1]), sum(distribution[w:])
}

// HodgesLehmannShift is the median of the differences xᵢ − yⱼ: by how much x
// lies above y, when both have the same shape (Hodges & Lehmann, "Estimates of
// Location Based on Rank Tests", Annals of Mathematical Statistics 34(2),
// 1963). NaN if x or y is empty.
func HodgesLehmannShift(x, y []float64) float64 {
	return sortedQuantile(differences(x, y), 0.5)
}

// RankSumInterval is the interval of the shifts that the rank-sum test does
// not reject: from the k-th smallest to the k-th largest difference xᵢ − yⱼ
// (Moses's interval: Hollander, Wolfe & Chicken, Nonparametric Statistical
// Methods, 3rd ed., §4.3). It assumes two independent samples of one shape;
// its coverage 1 − 2·P(U < k) is exact for continuous ones and at least that
// with ties. 95 % needs 4 values on each side, or 3 and 5; with fewer the
// interval has Level 0. Above the size that RankSumP names, k and the coverage
// are those of the normal approximation.
func RankSumInterval(x, y []float64, level float64) Interval {
	k, achieved := rankSumOrder(len(x), len(y), level)
	if k == 0 {
		return none()
	}
	d := differences(x, y)
	return Interval{Low: d[k-1], High: d[len(d)-k], Level: achieved}
}

// UnpairedRatio is the Hodges–Lehmann ratio of two independent samples, a over
// b, on the logarithmic scale, where a/b and b/a are mirror images, with its
// rank-sum interval. Every value must be above 0. It is for samples that share
// no rounds; if they do, Ratio sees far smaller changes.
func UnpairedRatio(a, b []float64, level float64) (float64, Interval) {
	x, y := logarithms(a), logarithms(b)
	iv := RankSumInterval(x, y, level)
	iv.Low, iv.High = math.Exp(iv.Low), math.Exp(iv.High)
	return math.Exp(HodgesLehmannShift(x, y)), iv
}

// UnpairedRange holds the extremes of the ratios a over b. It has Level 0.
func UnpairedRange(a, b []float64) Interval {
	if len(a) == 0 || len(b) == 0 {
		return none()
	}
	return Interval{Low: slices.Min(a) / slices.Max(b), High: slices.Max(a) / slices.Min(b)}
}

func logarithms(x []float64) []float64 {
	logs := make([]float64, len(x))
	for i, v := range x {
		logs[i] = math.Log(v)
	}
	return logs
}

// differences are the len(x)·len(y) values xᵢ − yⱼ, sorted.
func differences(x, y []float64) []float64 {
	d := make([]float64, 0, len(x)*len(y))
	for _, a := range x {
		for _, b := range y {
			d = append(d, a-b)
		}
	}
	slices.Sort(d)
	return d
}

// rounding is how far a coverage may seem to miss the level by the last digits
// of its sum: 1 value against 39 covers 95 % exactly.
const rounding = 1e-12

// rankSumOrder is the largest k for which the k-th differences from both ends
// cover at the level, with the coverage they achieve; 0 when even the extremes
// do not.
func rankSumOrder(n, m int, level float64) (int, float64) {
	if n == 0 || m == 0 {
		return 0, 0
	}
	if !exactRankSum(n, m) {
		return approximateOrder(n, m, level)
	}
	key := sizes{min(n, m), max(n, m), level}
	if found, there := orders.Load(key); there {
		return found.(order).k, found.(order).achieved
	}
	k, achieved := exactOrder(key.n, key.m, level)
	orders.Store(key, order{k, achieved})
	return k, achieved
}

// orders remembers what depends on the sizes only and takes up to 50 ms: a report
// of hundreds of cells asks for one of a few sizes each time.
var orders sync.Map

type sizes struct {
	n, m  int
	level float64
}

type order struct {
	k        int
	achieved float64
}

// exactOrder is rankSumOrder for n up to m, by the exact distribution.
func exactOrder(n, m int, level float64) (int, float64) {
	ranks := make([]int, n+m) // from 0, without ties: n of them sum up to U + n(n−1)/2
	for i := range ranks {
		ranks[i] = i
	}
	k, achieved, tail := 0, 0.0, 0.0
	for u, p := range subsetSums(ranks, n)[n*(n-1)/2:] {
		tail += p
		if 1-2*tail < level-rounding {
			break
		}
		k, achieved = u+1, 1-2*tail
	}
	return k, achieved
}

// midRanks ranks both samples together, ties at their mean rank, and sums the
// ranks of x. Ranks are doubled, so that those of ties are whole.
func midRanks(x, y []float64) (ranks []int, ofX int) {
	type value struct {
		v     float64
		fromX bool
	}
	var all []value
	for _, v := range x {
		all = append(all, value{v, true})
	}
	for _, v := range y {
		all = append(all, value{v, false})
	}
	slices.SortFunc(all, func(a, b value) int { return cmp.Compare(a.v, b.v) })
	ranks = make([]int, len(all))
	for first := 0; first < len(all); {
		end := first
		for end < len(all) && all[end].v == all[first].v {
			end++
		}
		for i := first; i < end; i++ {
			ranks[i] = first + 1 + end // twice the mean of ranks first+1 … end
			if all[i].fromX {
				ofX += ranks[i]
			}
		}
		first = end
	}
	return ranks, ofX
}
