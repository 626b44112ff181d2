package stats

import (
	"math"
	"slices"
)

// HodgesLehmann is the median of the Walsh averages (xᵢ+xⱼ)/2, i ≤ j: the
// centre of a symmetric distribution, 96 % as efficient as the mean for normal
// data and deaf to a few wild values (Hodges & Lehmann, "Estimates of Location
// Based on Rank Tests", Annals of Mathematical Statistics 34(2), 1963). NaN
// for an empty x.
func HodgesLehmann(x []float64) float64 {
	return sortedQuantile(walshAverages(x), 0.5)
}

// SignedRankInterval is the interval of the values that the signed-rank test
// does not reject: from the k-th smallest to the k-th largest Walsh average
// (Hollander, Wolfe & Chicken, Nonparametric Statistical Methods, 3rd ed.,
// §3.3). It assumes independent observations, symmetric about their centre;
// its coverage 1 − 2·P(T⁺ < k) is exact for continuous ones and at least that
// with ties. 95 % needs n ≥ 6; with fewer the interval has Level 0.
func SignedRankInterval(x []float64, level float64) Interval {
	k, achieved := signedRankOrder(len(x), level)
	if k == 0 {
		return none()
	}
	walsh := walshAverages(x)
	return Interval{Low: walsh[k-1], High: walsh[len(walsh)-k], Level: achieved}
}

// Ratio is the Hodges–Lehmann estimate of paired ratios on the logarithmic
// scale, where A/B and B/A are mirror images, with its signed-rank interval.
// Every ratio must be above 0.
func Ratio(ratios []float64, level float64) (float64, Interval) {
	logs := make([]float64, len(ratios))
	for i, r := range ratios {
		logs[i] = math.Log(r)
	}
	iv := SignedRankInterval(logs, level)
	iv.Low, iv.High = math.Exp(iv.Low), math.Exp(iv.High)
	return math.Exp(HodgesLehmann(logs)), iv
}

// walshAverages are the n(n+1)/2 means of pairs, each value with itself too,
// sorted.
func walshAverages(x []float64) []float64 {
	walsh := make([]float64, 0, len(x)*(len(x)+1)/2)
	for i, a := range x {
		for _, b := range x[i:] {
			walsh = append(walsh, a/2+b/2)
		}
	}
	slices.Sort(walsh)
	return walsh
}

// signedRankOrder is the largest k for which the k-th Walsh averages from both
// ends cover at the level, with the coverage they achieve; 0 when even the
// extremes do not.
func signedRankOrder(n int, level float64) (int, float64) {
	ranks := make([]int, n)
	for i := range ranks {
		ranks[i] = i + 1
	}
	k, achieved, tail := 0, 0.0, 0.0
	for s, p := range rankSums(ranks) {
		tail += p
		if 1-2*tail < level {
			break
		}
		k, achieved = s+1, 1-2*tail
	}
	return k, achieved
}
