package stats

// percentileSamples is how many samples each percentile needs: enough that
// some six and a half are expected beyond it, so that a lucky handful does not
// decide the tail.
var percentileSamples = []struct {
	p float64
	n int
}{{0.5, 10}, {0.9, 64}, {0.95, 130}, {0.99, 662}, {0.999, 6636}}

// PercentileSamples is how many samples a report of the p-quantile needs: 10
// for the median, 64 for p90, 130 for p95, 662 for p99 and 6,636 for p99.9. A
// p between two of these needs what the higher one does; above 0.999 there is
// no number that suffices, and it returns 0.
func PercentileSamples(p float64) int {
	for _, each := range percentileSamples {
		if p <= each.p {
			return each.n
		}
	}
	return 0
}

// Percentile is the p-quantile if x holds the samples that PercentileSamples
// asks for, and false otherwise.
func Percentile(x []float64, p float64) (float64, bool) {
	if need := PercentileSamples(p); need == 0 || len(x) < need {
		return 0, false
	}
	return Quantile(x, p), true
}
