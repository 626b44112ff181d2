package stats

import (
	"cmp"
	"math"
	"slices"
)

// Holm are p-values adjusted for how many there are, so that of many true
// hypotheses none is rejected at a level with at least one less that level
// (Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian
// Journal of Statistics 6(2), 1979). It assumes nothing of their dependence.
func Holm(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(p[a], p[b]) })
	adjusted, least := make([]float64, len(p)), 0.0
	for rank, i := range order {
		least = max(least, min(1, float64(len(p)-rank)*p[i]))
		adjusted[i] = least
	}
	return adjusted
}

// ModeratedVariances are the variances of several samples, each moderated by
// what most of them are like (Smyth 2004, see NightSpreads, with a robust middle),
// with the degrees of freedom that this gives. A sample whose variance is larger
// than that of most by more than chance (1 in 100) keeps its own: the others say
// nothing of it, nor it of them. Samples have at least one degree of freedom.
func ModeratedVariances(variances, freedom []float64) []Spread {
	middle := middleVariance(variances, freedom)
	apart := func(i int) bool { return variances[i] > middle*chiSquared99(freedom[i])/freedom[i] }
	var alike, theirs []float64
	total := 0.0
	for i, v := range variances {
		if !apart(i) {
			alike, theirs = append(alike, v), append(theirs, freedom[i])
			total += freedom[i]
		}
	}
	prior := float64(fewestPooled)
	if len(alike) >= fewestPooled && middle > 0 {
		prior = likeness(alike, theirs, middle*1e-6)
	}
	prior = min(prior, total)
	spreads := make([]Spread, len(variances))
	for i, v := range variances {
		f := freedom[i]
		spreads[i] = Spread{SD: math.Sqrt((prior*middle + f*v) / (prior + f)), Freedom: prior + f}
		if apart(i) {
			spreads[i] = Spread{SD: math.Sqrt(v), Freedom: f}
		}
	}
	return spreads
}

// middleVariance is the variance that most samples are drawn from: the median of
// theirs, each over what the median of χ² is to its mean.
func middleVariance(variances, freedom []float64) float64 {
	scaled := make([]float64, len(variances))
	for i, v := range variances {
		root := 1 - 2/(9*freedom[i])
		scaled[i] = v / (root * root * root)
	}
	return Median(scaled)
}

// likeness is how many degrees of freedom the likeness of variances is worth;
// infinite if they differ by no more than chance. A variance below least counts
// as least.
func likeness(variances, freedom []float64, least float64) float64 {
	logs, trigammas := make([]float64, len(variances)), 0.0
	for i, v := range variances {
		half := freedom[i] / 2
		logs[i] = math.Log(max(v, least)) - digamma(half) + math.Log(half)
		trigammas += trigamma(half) / float64(len(variances))
	}
	if apart := Variance(logs) - trigammas; apart > 0 {
		return 2 * inverseTrigamma(apart)
	}
	return math.Inf(1)
}

// chiSquared99 is the 0.99-quantile of χ², by Wilson and Hilferty.
func chiSquared99(freedom float64) float64 {
	c := 2 / (9 * freedom)
	return freedom * math.Pow(1-c+2.3263*math.Sqrt(c), 3)
}

// NodeSpread is how much the true levels of machines differ, seen in a way that
// machines which stand out count for little. shifts are their measured levels, and
// variances what the measurement explains of each. It is the spread with which the
// shifts, divided by their standard deviations, have the scale 1. assumed counts
// as so many machines as it has degrees of freedom: a few machines cannot say how
// much machines differ, and two say only how much they differ themselves. If more
// was seen than was assumed, that is believed; if many machines say so, without
// what was assumed.
func NodeSpread(shifts, variances []float64, assumed Spread) Spread {
	if len(shifts) < 3 {
		return assumed
	}
	scaled := make([]float64, len(shifts))
	center := Median(shifts)
	wider := func(variance float64) bool { // the shifts are, than this between machines explains
		for i, s := range shifts {
			scaled[i] = (s - center) / math.Sqrt(variance+variances[i])
		}
		return squaredScale(scaled) > 1
	}
	low, high := 0.0, 1e-12
	for high < 100 && wider(high) {
		low, high = high, 4*high
	}
	for range 25 { // to a millionth
		if middle := (low + high) / 2; wider(middle) {
			low = middle
		} else {
			high = middle
		}
	}
	seen, free := low, efficiencyOf(len(shifts))*float64(len(shifts)-1)
	if seen > assumed.SD*assumed.SD && free > assumed.Freedom {
		return Spread{SD: math.Sqrt(seen), Freedom: free}
	}
	variance := (assumed.Freedom*assumed.SD*assumed.SD + free*seen) / (assumed.Freedom + free)
	return Spread{SD: math.Sqrt(max(variance, seen)), Freedom: assumed.Freedom + free}
}

// fewestScaled is how many values squaredScale can tell those that stand out of.
const fewestScaled = 8

// efficiencyOf is that of squaredScale for so many normal values: this share of
// them would say as much if nothing ever stood out.
func efficiencyOf(n int) float64 {
	if n < fewestScaled {
		return 0.37
	}
	return 0.8
}

// squaredScale is the variance of values around 0 of which some stand out: of few
// by their median absolute deviation, else by the τ-scale, the mean of squares of
// which none counts more than that of three standard deviations by the median
// absolute deviation (Yohai and Zamar, "High Breakdown-Point Estimates of
// Regression by Means of the Minimization of an Efficient Scale", Journal of the
// American Statistical Association 83, 1988).
func squaredScale(x []float64) float64 {
	n := float64(len(x))
	sizes := make([]float64, len(x))
	for i, v := range x {
		sizes[i] = math.Abs(v)
	}
	const toSD, most, consistency = 1.4826, 3, 0.9950 // the last is the mean of min(Z², 9)
	deviation := toSD * n / (n - 0.8) * Median(sizes)
	if len(x) < fewestScaled {
		return deviation * deviation
	}
	limit := most * deviation
	squares := 0.0
	for _, v := range sizes {
		squares += math.Pow(min(v, limit), 2)
	}
	return squares / (n - 1) / consistency
}
