package stats_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/dlbench/dlbench/metrics/stats"
)

func TestBatchMediansAreCutAndAveraged(t *testing.T) {
	nan := math.NaN()
	for name, test := range map[string]struct {
		series   [][]float64
		size     int
		centre   float64
		half     float64 // by hand: t(0.975, freedom)·√(s²·Σ1/k)/P
		noSpread bool    // no series has two batches
	}{
		"one series of two batches":  {[][]float64{{1, 2, 9, 3, 4, 5}}, 3, 3, 12.706204736174694 * 1, false},
		"a rest lengthens a batch":   {[][]float64{{1, 1, 1, 3, 3, 3, 3}}, 3, 2, 12.706204736174694 * 1, false},
		"what tells series apart":    {[][]float64{{1, 1, 1, 1}, {5, 5, 5, 5}}, 2, 3, 0, false},
		"two series":                 {[][]float64{{0, 0, 2, 2}, {4, 4, 8, 8}}, 2, 3.5, 4.302652729749462 * math.Sqrt(10.0/2) / 2, false},
		"one batch has no interval":  {[][]float64{{1, 2, 3}}, 2, 2, nan, true},
		"one batch a series neither": {[][]float64{{1}, {3}}, 2, 2, nan, true},
	} {
		t.Run(name, func(t *testing.T) {
			centre, iv := stats.BatchMedians(test.series, test.size, 0.95)
			if centre != test.centre || iv.Exists() == test.noSpread {
				t.Fatalf("the centre is %v with %+v, expected %v", centre, iv, test.centre)
			}
			if half := (iv.High - iv.Low) / 2; !test.noSpread && math.Abs(half-test.half) > 1e-9 {
				t.Errorf("half the interval is %v, expected %v", half, test.half)
			}
		})
	}
}

// machine makes times of blocks as a shared machine does: noise that depends on
// the block before, a drift, and stretches that something interrupts.
type machine struct {
	rng         *rand.Rand
	memory      float64 // of the noise: its correlation with the block before
	noise       float64 // its deviation, on the logarithmic scale
	drift       float64 // the deviation of a random walk's step
	interrupted float64 // the share of blocks that take up to a half longer
	state, walk float64
}

func (m *machine) block() float64 {
	m.state = m.memory*m.state + math.Sqrt(1-m.memory*m.memory)*m.noise*m.rng.NormFloat64()
	m.walk += m.drift * m.rng.NormFloat64()
	late := 0.0
	if m.rng.Float64() < m.interrupted {
		late = m.rng.Float64() / 2
	}
	return m.state + m.walk + late
}

// groups are the log ratios of one process: of four blocks in the order ABBA or
// BAAB, in turn, where B takes exp(truth) as long as A.
func (m *machine) groups(n int, truth float64) []float64 {
	ratios := make([]float64, n)
	for g := range ratios {
		for i := range 4 {
			b := (i == 1 || i == 2) == (g%2 == 0)
			if b {
				ratios[g] += (m.block() + truth) / 2
			} else {
				ratios[g] -= m.block() / 2
			}
		}
	}
	return ratios
}

// The truth of the blocks is a ratio of 0.99. Intervals over batches cover near
// their level however the machine's noise depends on what was before.
func TestBatchMediansCoverNearTheirLevel(t *testing.T) {
	const processes, groups, size = 6, 50, 10
	truth := math.Log(0.99)
	for name, m := range map[string]machine{
		"independent":               {noise: 0.03},
		"a little memory":           {noise: 0.03, memory: 0.5},
		"much memory":               {noise: 0.03, memory: 0.95},
		"drift":                     {noise: 0.01, drift: 0.01},
		"interrupted":               {noise: 0.01, interrupted: 0.05},
		"often interrupted":         {noise: 0.01, memory: 0.9, interrupted: 0.3},
		"everything, as on a cloud": {noise: 0.03, memory: 0.8, drift: 0.005, interrupted: 0.1},
	} {
		t.Run(name, func(t *testing.T) {
			width := 0.0
			share, _ := coverage(1000, truth, func(rng *rand.Rand) stats.Interval {
				series := make([][]float64, processes)
				for p := range series {
					m := m
					m.rng = rng
					series[p] = m.groups(groups, truth)
				}
				_, iv := stats.BatchMedians(series, size, 0.95)
				width += (iv.High - iv.Low) / 2 / 1000
				return iv
			})
			t.Logf("covers %.3f, ±%.4f", share, width)
			if share < 0.93 || share > 0.97 {
				t.Errorf("95 %% covers %.3f", share)
			}
		})
	}
}

// What tells processes apart is seen only by an interval over processes; which
// fails to hold the truth no more often than it says.
func TestOnlyProcessesTellProcessesApart(t *testing.T) {
	const processes, groups, size, layout = 6, 50, 10, 0.005
	over := func(of func(series [][]float64) stats.Interval) float64 {
		share, _ := coverage(1000, 0, func(rng *rand.Rand) stats.Interval {
			series := make([][]float64, processes)
			for p := range series {
				m := machine{rng: rng, noise: 0.02, memory: 0.8}
				series[p] = m.groups(groups, layout*rng.NormFloat64())
			}
			return of(series)
		})
		return share
	}
	blocks := over(func(series [][]float64) stats.Interval {
		_, iv := stats.BatchMedians(series, size, 0.95)
		return iv
	})
	whole := over(func(series [][]float64) stats.Interval {
		var centres []float64
		for p := range series {
			centre, _ := stats.BatchMedians(series[p:p+1], size, 0.95)
			centres = append(centres, centre)
		}
		return stats.SignedRankInterval(centres, 0.95)
	})
	t.Logf("over blocks %.3f, over processes %.3f", blocks, whole)
	if blocks > 0.9 {
		t.Errorf("an interval over blocks covers %.3f of what processes differ by: the test shows nothing", blocks)
	}
	if want := 1 - 2.0/64; math.Abs(whole-want) > 0.015 {
		t.Errorf("over processes it covers %.3f, expected %.3f", whole, want)
	}
}

// Short blocks in turn are worth more than the same time in long ones: the
// drift between two long blocks is the whole of their difference.
func TestTurnsThatAreShortTakeTheDriftAway(t *testing.T) {
	spread := func(blocks int) float64 {
		rng := rand.New(rand.NewPCG(3, 4))
		centres := make([]float64, 300)
		for i := range centres {
			m := machine{rng: rng, noise: 0.03, memory: 0.99, drift: 0.003}
			var a, b []float64
			for k := range blocks * 4 { // 200 in all
				total := 0.0
				for range 200 / (blocks * 4) {
					total += m.block()
				}
				if k%4 == 0 || k%4 == 3 {
					a = append(a, total)
				} else {
					b = append(b, total)
				}
			}
			centres[i] = (stats.Median(a) - stats.Median(b)) / float64(200/(blocks*4))
		}
		return math.Sqrt(stats.Variance(centres))
	}
	short, long := spread(50), spread(1)
	t.Logf("deviation of the estimate: %.4f in 200 blocks, %.4f in four", short, long)
	if short > long/2 {
		t.Errorf("short turns leave %.4f, long ones %.4f", short, long)
	}
}
