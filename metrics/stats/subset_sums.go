package stats

import "math"

// mostExact is the product of two sample sizes up to which the rank-sum
// distribution is computed exactly: at 60 and 60 that takes some 50 ms, and the
// normal approximation is off by less than 3e-4.
const mostExact = 3600

func exactRankSum(n, m int) bool { return n*m <= mostExact }

// subsetSums is the distribution of the sum of n of the sorted ranks, every
// choice equally likely. Going through the ranks one by one, a rank is drawn with
// probability (still to draw)/(still to come): only sums of positive terms, so
// that small tails are as exact as large ones, and no count that overflows.
func subsetSums(ranks []int, n int) []float64 {
	p := make([][]float64, n+1) // p[j][s]: j drawn so far, with sum s
	for j := range p {
		p[j] = make([]float64, largestSum(ranks, j)+1)
	}
	p[0][0] = 1
	for i, r := range ranks {
		for j := min(n, i); j >= 0; j-- {
			drawn := float64(n-j) / float64(len(ranks)-i)
			for s, v := range p[j] {
				if v == 0 {
					continue
				}
				if j < n {
					p[j+1][s+r] += v * drawn
				}
				p[j][s] = v * (1 - drawn)
			}
		}
	}
	return p[n]
}

// largestSum is the largest sum of n of the ranks, which are sorted.
func largestSum(ranks []int, n int) int {
	total := 0
	for _, r := range ranks[len(ranks)-n:] {
		total += r
	}
	return total
}

// approximateTails are P(W ≤ w) and P(W ≥ w) by the normal distribution of the
// same mean and variance, which are those of drawing n ranks without
// replacement; half a step of the doubled ranks is added for continuity.
func approximateTails(ranks []int, n, w int) (less, greater float64) {
	size, mean, squares := float64(len(ranks)), 0.0, 0.0
	for _, r := range ranks {
		mean += float64(r) / size
	}
	for _, r := range ranks {
		squares += (float64(r) - mean) * (float64(r) - mean)
	}
	drawn := float64(n)
	deviation := math.Sqrt(drawn * (size - drawn) / size * squares / (size - 1))
	if deviation == 0 {
		return 1, 1
	}
	above := float64(w) - drawn*mean
	return normalCDF((above + 1) / deviation), normalCDF((1 - above) / deviation)
}

// approximateOrder is rankSumOrder by the normal approximation.
func approximateOrder(n, m int, level float64) (int, float64) {
	mean := float64(n) * float64(m) / 2
	deviation := math.Sqrt(float64(n) * float64(m) * float64(n+m+1) / 12)
	below := func(k int) float64 { return normalCDF((float64(k) - 0.5 - mean) / deviation) } // P(U < k)
	k := int(mean + deviation*math.Sqrt2*math.Erfinv(-level))
	for 1-2*below(k+1) >= level {
		k++
	}
	for k > 0 && 1-2*below(k) < level {
		k--
	}
	if k < 1 {
		return 0, 0
	}
	return k, 1 - 2*below(k)
}

func normalCDF(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }
