package stats_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dlbench/dlbench/metrics/stats"
)

// Expected values marked [scipy] were made with SciPy 1.17.1 from the numbers
// that stand beside them: mannwhitneyu(x, y, alternative, method="exact") or,
// where it says so, method="asymptotic"; those marked [enumerated] by going
// through every choice of ranks in Python.

// term and early are Hollander & Wolfe's permeability constants of the human
// chorioamnion at term and at 12 to 26 weeks, the example of R's wilcox.test:
// the shift is 0.305, the 96 % interval −0.15 to 0.76, one-sided p 0.1272.
var (
	term  = []float64{0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46}
	early = []float64{1.15, 0.88, 0.90, 0.74, 1.21}
)

// stepping is n values from first on, evenly spaced.
func stepping(n int, first, step float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = first + step*float64(i)
	}
	return x
}

func TestHodgesLehmannShiftOfHollanderAndWolfe(t *testing.T) {
	near(t, "shift", stats.HodgesLehmannShift(term, early), 0.305, 1e-12)
	iv := stats.RankSumInterval(term, early, 0.95)
	near(t, "low", iv.Low, -0.15, 1e-12)
	near(t, "high", iv.High, 0.76, 1e-12)
	near(t, "level", iv.Level, 0.9600399600399601, 1e-12)
}

func TestRankSumP(t *testing.T) {
	tests := map[string]struct {
		x, y               []float64
		two, greater, less float64
	}{
		"Hollander & Wolfe [scipy]":              {term, early, 0.2544122544122544, 0.1272061272061272, 0.8967698967698967},
		"Hollander & Wolfe, turned round":        {early, term, 0.2544122544122544, 0.8967698967698967, 0.1272061272061272},
		"30 against 25 [scipy]":                  {stepping(30, 0, 1.37), stepping(25, 5.003, 1.31), 0.807936213738679, 0.6025141748106032, 0.4039681068693395},
		"ties [enumerated]":                      {[]float64{1, 2, 2, 3, 5}, []float64{2, 2, 4, 4, 6, 7}, 0.22943722943722944, 0.9134199134199135, 0.11471861471861472},
		"mostly ties [enumerated]":               {[]float64{1, 1, 1, 2}, []float64{1, 2, 2, 2, 2}, 0.3333333333333333, 0.9920634920634921, 0.16666666666666666},
		"ties, more x than y [enumerated]":       {[]float64{1, 2, 2, 3, 5, 9, 9}, []float64{2, 2, 4}, 0.7166666666666667, 0.35833333333333334, 0.7666666666666667},
		"apart":                                  {[]float64{1, 2, 3}, []float64{4, 5, 6}, 2.0 / 20, 1, 1.0 / 20},
		"one value each":                         {[]float64{1}, []float64{2}, 1, 1, 0.5},
		"all the same":                           {[]float64{7, 7, 7}, []float64{7, 7}, 1, 1, 1},
		"nothing against something":              {nil, []float64{1, 2}, 1, 1, 1},
		"something against nothing":              {[]float64{1, 2}, nil, 1, 1, 1},
		"80 against 90, asymptotic [scipy]":      {modular(80, 7, 80, 0), modular(90, 11, 97, 3), 0.011544528073034405, 0.9942788276484185, 0.0057722640365172025},
		"61 against 61, asymptotic [scipy]":      {stepping(61, 0, 1.37), stepping(61, 9.001, 1.31), 0.10787423886037335, 0.9466214595972048, 0.05393711943018668},
		"all the same, too many for exactness":   {make([]float64, 70), make([]float64, 70), 1, 1, 1},
		"far apart, too many for exactness":      {stepping(70, 0, 1), stepping(70, 1000, 1), 0, 1, 0},
		"1 against 3,600 is a rank, and is fast": {[]float64{-1}, stepping(3600, 0, 1), 2.0 / 3601, 1, 1.0 / 3601},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			near(t, "two-sided", stats.RankSumP(tt.x, tt.y, stats.TwoSided), tt.two, 1e-12)
			near(t, "greater", stats.RankSumP(tt.x, tt.y, stats.Greater), tt.greater, 1e-12)
			near(t, "less", stats.RankSumP(tt.x, tt.y, stats.Less), tt.less, 1e-12)
		})
	}
}

// modular is n values with ties: i·factor modulo m, plus an offset.
func modular(n, factor, m int, offset float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = float64(i*factor%m) + offset
	}
	return x
}

// One above the sizes that are computed exactly, the approximation is where
// SciPy's exact p-value is, to 2e-4.
func TestApproximationContinuesTheExactP(t *testing.T) {
	x, y := stepping(61, 0, 1.37), stepping(61, 9.001, 1.31)
	near(t, "two-sided", stats.RankSumP(x, y, stats.TwoSided), 0.10805724000523771, 3e-4) // [scipy]
	near(t, "less", stats.RankSumP(x, y, stats.Less), 0.054028620002618856, 3e-4)
}

// For 95 %, k − 1 is the critical value of published two-sided tables of the
// Mann–Whitney U at 0.05 (Mann & Whitney's, as extended by Milton, JASA 59,
// 1964): 2 for 5 and 5, 13 for 8 and 8, 55 for 10 and 20, 127 for 20 and 20.
// Levels were computed with whole numbers in Python.
func TestRankSumIntervalOrders(t *testing.T) {
	tests := []struct {
		n, m, k int
		level   float64
	}{
		{3, 5, 1, 0.9642857142857143}, {4, 4, 1, 0.9714285714285714}, {5, 5, 3, 0.9682539682539683}, {5, 8, 7, 0.9549339549339549},
		{6, 6, 6, 0.9588744588744589}, {6, 12, 15, 0.9585218702865762}, {8, 8, 14, 0.9501165501165502}, {10, 5, 9, 0.9600399600399601},
		{10, 10, 24, 0.9567429474550218}, {12, 12, 38, 0.9550980047009122}, {10, 20, 56, 0.9509689710589261},
		{20, 20, 128, 0.9509096748106276}, {3, 30, 14, 0.9549120234604106}, {2, 8, 1, 0.9555555555555556}, {1, 39, 1, 0.95},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d and %d", tt.n, tt.m), func(t *testing.T) {
			// Steps of m and of 1 make every difference another number, in order.
			x, y := stepping(tt.n, 0, float64(tt.m)), stepping(tt.m, 0, 1)
			iv := stats.RankSumInterval(x, y, 0.95)
			near(t, "level", iv.Level, tt.level, 1e-12)
			near(t, "low", iv.Low, float64(tt.k-tt.m), 0) // the smallest is 1 − m
			near(t, "high", iv.High, float64(tt.n*tt.m-tt.m-tt.k+1), 0)
		})
	}
}

func TestRankSumIntervalNeedsValues(t *testing.T) {
	for _, size := range [][2]int{{0, 9}, {9, 0}, {3, 3}, {3, 4}, {4, 3}, {2, 7}, {1, 38}, {0, 0}} {
		iv := stats.RankSumInterval(stepping(size[0], 0, 1), stepping(size[1], 0.5, 1), 0.95)
		if iv.Exists() || !math.IsNaN(iv.Low) || !math.IsNaN(iv.High) {
			t.Errorf("%v values gave the interval %+v", size, iv)
		}
	}
	if v := stats.HodgesLehmannShift(nil, early); !math.IsNaN(v) {
		t.Errorf("nothing is shifted by %v", v)
	}
}

// The interval is the test turned round: it holds exactly the shifts that a
// test at its own level does not reject.
func TestRankSumIntervalInvertsTheTest(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, size := range [][2]int{{4, 4}, {6, 11}, {30, 12}, {60, 60}, {80, 70}} {
		x, y := sampled(size[0], rng.NormFloat64), sampled(size[1], rng.NormFloat64)
		iv := stats.RankSumInterval(x, y, 0.95)
		p := func(shift float64) float64 {
			moved := slices.Clone(x)
			for i := range moved {
				moved[i] -= shift
			}
			return stats.RankSumP(moved, y, stats.TwoSided)
		}
		const step = 1e-9
		for name, at := range map[string][2]float64{"low": {iv.Low + step, iv.Low - step}, "high": {iv.High - step, iv.High + step}} {
			if inside := p(at[0]); inside <= 1-iv.Level+1e-12 {
				t.Errorf("%v: a shift inside the %s end is rejected with p %g", size, name, inside)
			}
			if outside := p(at[1]); outside > 1-iv.Level+1e-12 {
				t.Errorf("%v: a shift outside the %s end is kept with p %g", size, name, outside)
			}
		}
	}
}

func TestUnpairedRatioTurnsRound(t *testing.T) {
	a, b := []float64{102, 105, 99, 103, 107, 101}, []float64{98, 97, 101, 100, 96}
	ab, iv := stats.UnpairedRatio(a, b, 0.95)
	ba, vi := stats.UnpairedRatio(b, a, 0.95)
	near(t, "a/b", ab, 1.0456093769052401, 1e-12) // numpy.median of the log-differences
	near(t, "b/a", ba, 1/ab, 1e-12)
	near(t, "low of b/a", vi.Low, 1/iv.High, 1e-12)
	near(t, "high of b/a", vi.High, 1/iv.Low, 1e-12)
	if !iv.Exists() || vi.Level != iv.Level {
		t.Errorf("levels %v and %v", iv.Level, vi.Level)
	}
	double, _ := stats.UnpairedRatio([]float64{2, 4, 8}, []float64{1, 2, 4}, 0.95)
	near(t, "twice as fast", double, 2, 1e-12)
}

func TestUnpairedRangeHoldsEveryRatio(t *testing.T) {
	iv := stats.UnpairedRange([]float64{2, 3}, []float64{1, 4})
	near(t, "low", iv.Low, 0.5, 0)
	near(t, "high", iv.High, 3, 0)
	if iv.Exists() || stats.UnpairedRange(nil, early).Exists() || !math.IsNaN(stats.UnpairedRange(early, nil).Low) {
		t.Error("a range has a level")
	}
}

// The least p-value is that of samples which do not overlap.
