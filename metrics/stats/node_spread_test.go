package stats_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dlbench/dlbench/metrics/stats"
)

// The example is R's p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm").
func TestHolmAdjustsAsR(t *testing.T) {
	got := stats.Holm([]float64{0.01, 0.04, 0.03, 0.005})
	for i, want := range []float64{0.03, 0.06, 0.06, 0.02} {
		if math.Abs(got[i]-want) > 1e-12 {
			t.Errorf("p %d is %v, want %v", i, got[i], want)
		}
	}
	if got := stats.Holm([]float64{0.5, 0.9}); got[0] != 1 || got[1] != 1 {
		t.Errorf("large ones are %v, want 1", got)
	}
}

func TestModeratedVariancesAreMoreAlikeUnlessOneStandsOut(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	const n, freedom = 200, 5.0
	variances, freedoms := make([]float64, n), slices.Repeat([]float64{freedom}, n)
	for i := range variances {
		for range int(freedom) {
			variances[i] += math.Pow(rng.NormFloat64(), 2) / freedom
		}
	}
	variances[3] = 40 // a machine that something else uses
	moderated := stats.ModeratedVariances(variances, freedoms)
	if s := moderated[3]; math.Abs(s.SD-math.Sqrt(40)) > 1e-9 || s.Freedom != freedom {
		t.Errorf("the one that stands out became %+v", s)
	}
	worst := 0.0
	for i, s := range moderated {
		if i != 3 && s.Freedom > freedom {
			worst = max(worst, math.Abs(s.SD-1))
		}
	}
	if worst > 0.15 {
		t.Errorf("samples of variance 1 are up to %.2f off after moderation", worst)
	}
}

func TestNodeSpreadFindsHowMuchMachinesDiffer(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	for _, n := range []int{12, 200} {
		for _, odd := range []float64{0, -0.3} {
			t.Run(fmt.Sprintf("%d machines, one off by %g", n, odd), func(t *testing.T) {
				total := 0.0
				const trials = 200
				for range trials {
					shifts, variances := make([]float64, n), make([]float64, n)
					for i := range shifts {
						variances[i] = 1e-4 * (0.5 + rng.Float64())
						shifts[i] = 0.01*rng.NormFloat64() + math.Sqrt(variances[i])*rng.NormFloat64()
					}
					shifts[0] += odd
					total += math.Pow(stats.NodeSpread(shifts, variances, stats.Spread{SD: 1e-6, Freedom: 1e-3}).SD, 2) / trials
				}
				most := 0.0115
				if odd != 0 { // it counts as three deviations at most
					most *= math.Sqrt(1 + 2*9/float64(n-1))
				}
				if sd := math.Sqrt(total); sd < 0.0085 || sd > most {
					t.Errorf("the spread is %.4f, expected 0.01 to %.4f", sd, most)
				}
			})
		}
	}
}

func TestAFewMachinesDoNotSayHowMuchTheyDiffer(t *testing.T) {
	assumed := stats.Spread{SD: 0.005, Freedom: 4}
	if got := stats.NodeSpread([]float64{-0.2, 0.2}, []float64{1e-6, 1e-6}, assumed); got != assumed {
		t.Errorf("two give %+v", got)
	}
	if got := stats.NodeSpread([]float64{0, 0, 0, 0}, []float64{1e-6, 1e-6, 1e-6, 1e-6}, assumed); got.SD < 0.004 || got.Freedom < 4 {
		t.Errorf("four that are alike give %+v", got)
	}
	if got := stats.NodeSpread([]float64{-0.05, -0.02, 0.02, 0.05}, []float64{1e-6, 1e-6, 1e-6, 1e-6}, assumed); got.SD < 0.03 {
		t.Errorf("four that differ a lot give %+v", got)
	}
}
