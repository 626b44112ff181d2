package stats_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/dlbench/dlbench/metrics/stats"
)

// The intervals are judged by what they promise: over many samples from a
// known distribution, the share that covers the truth. Seeds are fixed, so
// that the shares are the same in every run; with 8,000 samples their standard
// error is 0.25 %.

// coverage is the share of intervals that hold the truth and their level.
func coverage(trials int, truth float64, interval func(*rand.Rand) stats.Interval) (share, level float64) {
	rng := rand.New(rand.NewPCG(20, 26))
	hit := 0
	for range trials {
		iv := interval(rng)
		if iv.Low <= truth && truth <= iv.High {
			hit++
		}
		level = iv.Level
	}
	return float64(hit) / float64(trials), level
}

func sampled(n int, draw func() float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = draw()
	}
	return x
}

func TestExactIntervalsCoverWhatTheySay(t *testing.T) {
	const trials, slack = 8000, 0.0075 // three standard errors
	for _, n := range []int{6, 8, 12, 20, 30} {
		t.Run(fmt.Sprintf("median of %d skewed values", n), func(t *testing.T) {
			share, level := coverage(trials, math.Ln2, func(rng *rand.Rand) stats.Interval {
				return stats.MedianInterval(sampled(n, rng.ExpFloat64), 0.95)
			})
			if level < 0.95 || math.Abs(share-level) > slack {
				t.Errorf("says %.4f, covers %.4f", level, share)
			}
		})
		t.Run(fmt.Sprintf("signed rank of %d normal values", n), func(t *testing.T) {
			share, level := coverage(trials, 0, func(rng *rand.Rand) stats.Interval {
				return stats.SignedRankInterval(sampled(n, rng.NormFloat64), 0.95)
			})
			if level < 0.95 || math.Abs(share-level) > slack {
				t.Errorf("says %.4f, covers %.4f", level, share)
			}
		})
	}
}

// Two records share no rounds: their samples are independent, of one shape, and
// seldom of one size.
func TestRankSumIntervalCoversWhatItSays(t *testing.T) {
	const trials, slack = 8000, 0.0075 // three standard errors
	for _, size := range [][2]int{{4, 4}, {6, 6}, {6, 30}, {12, 12}, {30, 30}, {61, 60}} {
		if size[0]*size[1] > 400 && testing.Short() {
			continue // a minute's sorting
		}
		for name, of := range map[string]func(*rand.Rand) func() float64{
			"normal": func(rng *rand.Rand) func() float64 { return rng.NormFloat64 },
			"skewed": func(rng *rand.Rand) func() float64 { return rng.ExpFloat64 },
		} {
			t.Run(fmt.Sprintf("%d and %d %s values", size[0], size[1], name), func(t *testing.T) {
				share, level := coverage(trials, 2, func(rng *rand.Rand) stats.Interval {
					x := sampled(size[0], func() float64 { return 2 + of(rng)() })
					return stats.RankSumInterval(x, sampled(size[1], of(rng)), 0.95)
				})
				if level < 0.95 || math.Abs(share-level) > slack {
					t.Errorf("says %.4f, covers %.4f", level, share)
				}
			})
		}
	}
}

func TestTiesNeverLowerCoverage(t *testing.T) {
	rounded := func(rng *rand.Rand) func() float64 {
		return func() float64 { return math.Round(2 * rng.NormFloat64()) }
	}
	median, level := coverage(8000, 0, func(rng *rand.Rand) stats.Interval {
		return stats.MedianInterval(sampled(12, rounded(rng)), 0.95)
	})
	if median < level {
		t.Errorf("median: says %.4f, covers %.4f", level, median)
	}
	rank, level := coverage(8000, 0, func(rng *rand.Rand) stats.Interval {
		return stats.SignedRankInterval(sampled(12, rounded(rng)), 0.95)
	})
	if rank < level {
		t.Errorf("signed rank: says %.4f, covers %.4f", level, rank)
	}
	sum, level := coverage(8000, 0, func(rng *rand.Rand) stats.Interval {
		return stats.RankSumInterval(sampled(8, rounded(rng)), sampled(10, rounded(rng)), 0.95)
	})
	if sum < level {
		t.Errorf("rank sum: says %.4f, covers %.4f", level, sum)
	}
}

// Half of every round's disturbance is common to its cells, which a bootstrap
// over single ratios would miss.
func TestSuiteRatioCoversNearItsLevel(t *testing.T) {
	const cells = 4
	for _, rounds := range []int{6, 12, 30} {
		share, _ := coverage(1000, 1.02, func(rng *rand.Rand) stats.Interval {
			ratios := make([][]float64, cells)
			for c := range ratios {
				ratios[c] = make([]float64, rounds)
			}
			for r := range rounds {
				common := rng.NormFloat64()
				for c := range ratios {
					ratios[c][r] = 1.02 * math.Exp(0.01*(common+rng.NormFloat64()))
				}
			}
			_, iv := stats.SuiteRatio(ratios, 0.95, 300, rng.Uint64())
			return iv
		})
		t.Logf("%d rounds cover %.3f", rounds, share)
		if share < 0.93 || share > 0.98 {
			t.Errorf("%d rounds: 95 %% covers %.3f", rounds, share)
		}
	}
}

// Under no difference the p-value of an exact test falls under any bound at
// most that often.
func TestSignedRankPKeepsItsLevel(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	const trials = 20000
	alarms := 0
	for range trials {
		if stats.SignedRankP(sampled(12, rng.NormFloat64), stats.Less) <= 0.01 {
			alarms++
		}
	}
	// P(T⁺ ≤ 9) at n = 12 is 33/4096 = 0.0081, the largest under 0.01.
	if share := float64(alarms) / trials; math.Abs(share-33.0/4096) > 0.002 {
		t.Errorf("p ≤ 0.01 in %.4f of the samples without a difference, expected 0.0081", share)
	}
}

func TestRankSumPKeepsItsLevel(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	const trials = 20000
	alarms := 0
	for range trials {
		if stats.RankSumP(sampled(6, rng.NormFloat64), sampled(6, rng.NormFloat64), stats.Less) <= 0.01 {
			alarms++
		}
	}
	// P(U ≤ 3) at 6 and 6 is 7/924 = 0.0076, the largest under 0.01.
	if share := float64(alarms) / trials; math.Abs(share-7.0/924) > 0.002 {
		t.Errorf("p ≤ 0.01 in %.4f of the samples without a difference, expected 0.0076", share)
	}
}
