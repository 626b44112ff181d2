package stats

import (
	"math"
	"slices"
)

// Quantile is the p-quantile of x by linear interpolation between the order
// statistics at position (n−1)p: definition 7 of Hyndman & Fan, "Sample
// Quantiles in Statistical Packages", The American Statistician 50(4), 1996;
// the default of R and NumPy. It is NaN for an empty x. x stays unsorted.
func Quantile(x []float64, p float64) float64 {
	return sortedQuantile(slices.Sorted(slices.Values(x)), p)
}

// Quantiles is Quantile for several p at the price of one sort.
func Quantiles(x []float64, ps ...float64) []float64 {
	sorted := slices.Sorted(slices.Values(x))
	out := make([]float64, len(ps))
	for i, p := range ps {
		out[i] = sortedQuantile(sorted, p)
	}
	return out
}

// Median is the middle of x, the mean of the two middle ones for an even
// count, NaN for an empty x.
func Median(x []float64) float64 { return Quantile(x, 0.5) }

// MAD is the median absolute deviation from the median, unscaled.
func MAD(x []float64) float64 {
	m := Median(x)
	deviations := make([]float64, len(x))
	for i, v := range x {
		deviations[i] = math.Abs(v - m)
	}
	return Median(deviations)
}

// Mean is the arithmetic mean, NaN for an empty x.
func Mean(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

// Outliers counts the values more than 1.5 interquartile ranges outside the
// quartiles (Tukey, Exploratory Data Analysis, 1977, with Quantile's
// quartiles). They are counted to be shown; nothing drops them.
func Outliers(x []float64) int {
	q := Quantiles(x, 0.25, 0.75)
	fence := 1.5 * (q[1] - q[0])
	n := 0
	for _, v := range x {
		if v < q[0]-fence || v > q[1]+fence {
			n++
		}
	}
	return n
}

// sortedQuantile is Quantile of a sorted sample.
func sortedQuantile(sorted []float64, p float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	position := p * float64(len(sorted)-1)
	below := int(math.Floor(position))
	above := min(below+1, len(sorted)-1)
	fraction := position - float64(below)
	return sorted[below] + fraction*(sorted[above]-sorted[below])
}
