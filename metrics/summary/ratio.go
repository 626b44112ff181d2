package summary

import (
	"math"

	"github.com/dlbench/dlbench/metrics/stats"
)

// Ratio is an estimate of a ratio of throughputs, with what it says of the
// numerator.
type Ratio struct {
	Estimate
	Verdict string // one of the record's
}

// Paired is the ratio of two cells in the rounds that they share: Hodges and
// Lehmann's on logarithms, with the signed-rank interval.
func Paired(ratios []float64) Ratio {
	value, iv := stats.Ratio(ratios, stats.Level)
	return Ratio{estimate(value, len(ratios), iv, stats.Range(ratios)), string(stats.Judge(iv))}
}

// Unpaired is the ratio of two independent samples, newer over older, with the
// rank-sum interval. If the two share rounds, Paired sees far smaller changes.
func Unpaired(newer, older []float64) Ratio {
	value, iv := stats.UnpairedRatio(newer, older, stats.Level)
	return Ratio{estimate(value, min(len(newer), len(older)), iv, stats.UnpairedRange(newer, older)), string(stats.Judge(iv))}
}

// Test is how likely a change at least as clear is by chance.
type Test struct {
	N        int     // pairs, or the processes of the smaller side
	Change   float64 // the ratio that gives the direction: the median of pairs, or the estimate without pairs
	OneSided float64 // p in that direction
	TwoSided float64 // p
}

// PairedTest is the exact signed-rank test on the logarithms of paired ratios.
func PairedTest(ratios []float64) Test {
	logs := make([]float64, len(ratios))
	for i, r := range ratios {
		logs[i] = math.Log(r)
	}
	t := Test{N: len(ratios), Change: stats.Median(ratios)}
	t.OneSided, t.TwoSided = stats.SignedRankP(logs, t.direction()), stats.SignedRankP(logs, stats.TwoSided)
	return t
}

// UnpairedTest is the exact rank-sum test on two independent samples.
func UnpairedTest(newer, older []float64) Test {
	t := Test{N: min(len(newer), len(older)), Change: Unpaired(newer, older).Value}
	t.OneSided, t.TwoSided = stats.RankSumP(newer, older, t.direction()), stats.RankSumP(newer, older, stats.TwoSided)
	return t
}

func (t Test) direction() stats.Alternative {
	if t.Change > 1 {
		return stats.Greater
	}
	return stats.Less
}

// Mean is the geometric mean of ratios or of throughputs.
func Mean(values []float64) float64 { return stats.GeometricMean(values) }
