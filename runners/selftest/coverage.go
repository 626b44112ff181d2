package selftest

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/dlbench/dlbench/metrics/stats"
)

// The size of the simulation; its standard error is 0.3 %.
const (
	trials      = 4000
	suiteTrials = 1000
	slack       = 0.02 // of stats.Level, either way
)

// Coverage simulates measurements whose truth is known, and counts how often
// each kind of interval holds it. Seeds are fixed.
func Coverage() []Promise {
	var promises []Promise
	for _, n := range []int{6, 12, 30} {
		median := covered(trials, math.Ln2, func(rng *rand.Rand) stats.Interval {
			return stats.MedianInterval(draw(n, rng.ExpFloat64), stats.Level)
		})
		rank := covered(trials, 0, func(rng *rand.Rand) stats.Interval {
			return stats.SignedRankInterval(draw(n, rng.NormFloat64), stats.Level)
		})
		suite := covered(suiteTrials, 1.02, func(rng *rand.Rand) stats.Interval { return simulatedSuite(n, rng) })
		promises = append(promises,
			promised(fmt.Sprintf("interval of a median, %d processes", n), median),
			promised(fmt.Sprintf("interval of a ratio, %d processes", n), rank),
			promised(fmt.Sprintf("interval of a suite, %d rounds", n), suite))
	}
	return promises
}

// promised compares what an interval covers with its own level, which for the
// exact ones is the next that there is above 95 %.
func promised(part string, c coverage) Promise {
	return Promise{Part: part, Promise: fmt.Sprintf("covers %.1f %% ± %.0f %%", 100*c.level, 100*slack), Seen: fmt.Sprintf("%.1f %%", 100*c.share),
		Kept: math.Abs(c.share-c.level) <= slack}
}

type coverage struct{ share, level float64 }

func covered(trials int, truth float64, interval func(*rand.Rand) stats.Interval) coverage {
	rng := rand.New(rand.NewPCG(20, 26))
	c, hit := coverage{}, 0
	for range trials {
		iv := interval(rng)
		if iv.Low <= truth && truth <= iv.High {
			hit++
		}
		c.level = iv.Level
	}
	c.share = float64(hit) / float64(trials)
	return c
}

func draw(n int, from func() float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = from()
	}
	return x
}

// simulatedSuite is a suite of four cells; half of the disturbance of a round
// is common to them.
func simulatedSuite(rounds int, rng *rand.Rand) stats.Interval {
	ratios := make([][]float64, 4)
	for c := range ratios {
		ratios[c] = make([]float64, rounds)
	}
	for r := range rounds {
		common := rng.NormFloat64()
		for c := range ratios {
			ratios[c][r] = 1.02 * math.Exp(0.01*(common+rng.NormFloat64()))
		}
	}
	_, iv := stats.SuiteRatio(ratios, stats.Level, 300, rng.Uint64())
	return iv
}
