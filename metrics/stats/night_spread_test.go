package stats_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/dlbench/dlbench/metrics/stats"
)

// residuals are those of cells over nights, of which each night moves all by
// shared and each cell by its own deviation.
func residuals(rng *rand.Rand, nights int, shared float64, own []float64) ([][]float64, []int) {
	common := make([]float64, nights)
	for t := range common {
		common[t] = shared * rng.NormFloat64()
	}
	rows, freedom := make([][]float64, len(own)), make([]int, len(own))
	for c := range rows {
		mean := 0.0
		for t := range nights {
			rows[c] = append(rows[c], common[t]+own[c]*rng.NormFloat64())
			mean += rows[c][t] / float64(nights)
		}
		for t := range nights {
			rows[c][t] -= mean
		}
		freedom[c] = nights - 1
	}
	return rows, freedom
}

func repeated(v float64, n int) []float64 {
	all := make([]float64, n)
	for i := range all {
		all[i] = v
	}
	return all
}

func spreadsOf(seed uint64, nights int, shared float64, own []float64) []stats.Spread {
	rows, freedom := residuals(rand.New(rand.NewPCG(seed, 1)), nights, shared, own)
	assumed := make([]stats.Spread, len(own))
	for i := range assumed {
		assumed[i] = stats.Spread{SD: 0.01, Freedom: 6}
	}
	return stats.NightSpreads(rows, freedom, 1, assumed)
}

func TestNightSpreads(t *testing.T) {
	t.Run("alike cells know a lot together", func(t *testing.T) {
		for _, s := range spreadsOf(1, 5, 0, repeated(0.002, 50)) {
			if s.SD < 0.0018 || s.SD > 0.0035 || s.Freedom < 100 {
				t.Fatalf("spread %+v, expected about 0.002 with the knowledge of 200", s)
			}
		}
	})
	t.Run("nights that move all cells tell little", func(t *testing.T) {
		for _, s := range spreadsOf(2, 5, 0.02, repeated(0.001, 50)) {
			if s.Freedom > 11 {
				t.Fatalf("spread %+v: 5 nights have 4 degrees of freedom, and 6 are assumed", s)
			}
		}
	})
	t.Run("cells unlike each other keep their own", func(t *testing.T) {
		own := append(repeated(0.002, 25), repeated(0.05, 25)...)
		spreads := spreadsOf(3, 30, 0, own)
		for c, s := range spreads {
			if s.SD < own[c]*0.6 || c >= 25 && s.SD > own[c]*1.6 {
				t.Errorf("cell %d of %g has %+v", c, own[c], s)
			}
		}
		if spreads[0].SD > spreads[30].SD/3 {
			t.Errorf("a quiet cell has %+v, a restless one %+v", spreads[0], spreads[30])
		}
	})
	t.Run("nothing seen is what is assumed", func(t *testing.T) {
		for _, s := range spreadsOf(4, 1, 0, repeated(0.05, 3)) {
			if s != (stats.Spread{SD: 0.01, Freedom: 6}) {
				t.Errorf("one night gives %+v", s)
			}
		}
	})
}

func TestDifferenceSpread(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	var moved []float64
	for range 53 {
		moved = append(moved, 0.03*math.Sqrt2*rng.NormFloat64())
	}
	assumed := stats.Spread{SD: 0.01, Freedom: 6}
	quiet := stats.DifferenceSpread(moved, assumed)
	if quiet.SD < 0.024 || quiet.SD > 0.042 || quiet.Freedom < 10 {
		t.Errorf("53 cells that move by 3 %% a night give %+v", quiet)
	}
	for i := range 10 { // cells that really changed
		moved[i] -= 0.7
	}
	if s := stats.DifferenceSpread(moved, assumed); s.SD > 1.5*quiet.SD {
		t.Errorf("ten cells that halved make it %+v, before %+v", s, quiet)
	}
	if s := stats.DifferenceSpread(moved[:7], assumed); s != assumed {
		t.Errorf("seven cells give %+v", s)
	}
}

// TestStudentP compares with tables (Abramowitz & Stegun, table 26.10).
func TestStudentP(t *testing.T) {
	for _, tt := range []struct{ t, freedom, p float64 }{{12.706, 1, 0.025}, {2.776, 4, 0.025}, {-2.228, 10, 0.025}, {4.587, 10, 0.0005}, {1.96, 1e9, 0.0257}} {
		if got := stats.StudentP(tt.t, tt.freedom); math.Abs(got-tt.p) > 2e-4 {
			t.Errorf("P(T ≥ |%g|) with %g is %g, expected %g", tt.t, tt.freedom, got, tt.p)
		}
	}
	if got := stats.StudentQuantile(0.975, 4.9); math.Abs(got-2.776) > 1e-3 {
		t.Errorf("the quantile with 4.9 rounded down is %g", got)
	}
}

func TestVariance(t *testing.T) {
	if got := stats.Variance([]float64{1, 2, 3, 4}); math.Abs(got-5.0/3) > 1e-12 {
		t.Errorf("got %g", got)
	}
	if !math.IsNaN(stats.Variance([]float64{1})) {
		t.Error("one value has a variance")
	}
}
