package stats_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dlbench/dlbench/metrics/stats"
)

// nile is the annual flow of the Nile at Aswan from 1871 to 1970, in 10⁸ m³
// (Cobb, "The Problem of the Nile", Biometrika 65(2), 1978; R's datasets::Nile):
// it fell with the rains, and the first dam, in 1898.
var nile = []float64{1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180, 799, 958, 1140,
	1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833, 701, 916, 692, 1020, 1050, 969,
	831, 726, 456, 824, 702, 1120, 1100, 832, 764, 821, 768, 845, 864, 862, 698, 845, 744, 796, 1040, 759,
	781, 865, 845, 944, 984, 897, 822, 1010, 771, 676, 649, 846, 812, 742, 801, 1040, 860, 874, 848, 890,
	744, 749, 838, 1050, 918, 986, 797, 923, 975, 815, 1020, 906, 901, 1170, 912, 746, 919, 718, 714, 740}

func TestTheNileFellAfter1898(t *testing.T) {
	points := stats.ChangePoints(nile, 0.01)
	if len(points) != 1 || points[0].Index != 28 {
		t.Fatalf("found %+v, expected the year 1899, number 28", points)
	}
	p := points[0]
	near(t, "p-value", p.P, 1.0/2000, 0)
	near(t, "median before", p.Before, stats.Median(nile[:28]), 0)
	near(t, "median after", p.After, stats.Median(nile[28:]), 0)
}

// levels is noise around levels that last some values each.
func levels(rng *rand.Rand, noise float64, steps ...struct {
	n     int
	level float64
}) []float64 {
	var x []float64
	for _, s := range steps {
		for range s.n {
			x = append(x, s.level+noise*rng.NormFloat64())
		}
	}
	return x
}

type lasting = struct {
	n     int
	level float64
}

func indices(points []stats.ChangePoint) []int {
	at := []int{}
	for _, p := range points {
		at = append(at, p.Index)
	}
	return at
}

func TestChangePointsOfKnownSeries(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	outlier := levels(rng, 0.1, lasting{40, 100})
	outlier[17] = 10
	for name, c := range map[string]struct {
		x    []float64
		want []int
	}{
		"nothing":                           {nil, []int{}},
		"one value":                         {[]float64{5}, []int{}},
		"equal values":                      {slices.Repeat([]float64{7}, 300), []int{}},
		"thirteen values are too few":       {[]float64{1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16, 17}, []int{}},
		"fourteen values are enough":        {[]float64{1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 14, 15, 16, 17}, []int{7}},
		"one outlier is no level":           {outlier, []int{}},
		"a step":                            {levels(rng, 0.1, lasting{20, 1}, lasting{30, 2}), []int{20}},
		"a regression that was fixed":       {levels(rng, 0.1, lasting{20, 1}, lasting{20, 2}, lasting{20, 1}), []int{20, 40}},
		"a staircase":                       {levels(rng, 0.1, lasting{20, 1}, lasting{15, 2}, lasting{25, 3}, lasting{15, 4}), []int{20, 35, 60}},
		"steps that come sooner and sooner": {levels(rng, 0.1, lasting{60, 1}, lasting{20, 3}, lasting{10, 5}, lasting{10, 7}), []int{60, 80, 90}},
		"more than permutations are for":    {levels(rng, 0.1, lasting{300, 1}, lasting{150, 2}), []int{300}},
		"ties, as of a memory's peak":       {slices.Concat(slices.Repeat([]float64{4}, 12), slices.Repeat([]float64{5}, 12)), []int{12}},
	} {
		t.Run(name, func(t *testing.T) {
			got := indices(stats.ChangePoints(c.x, 0.01))
			if !slices.EqualFunc(got, c.want, func(a, b int) bool { return max(a-b, b-a) <= 1 }) {
				t.Errorf("found %v, expected %v or one beside it", got, c.want)
			}
		})
	}
}

// Ranks of the long levels outweigh the short one, so that its ends are found
// less closely than others.
func TestAShortRiseInALongSeries(t *testing.T) {
	x := levels(rand.New(rand.NewPCG(7, 8)), 0.1, lasting{400, 1}, lasting{40, 2}, lasting{400, 1})
	got := indices(stats.ChangePoints(x, 0.01))
	if !slices.EqualFunc(got, []int{400, 440}, func(a, b int) bool { return max(a-b, b-a) <= 6 }) {
		t.Errorf("found %v, expected 400 and 440 or near them", got)
	}
}

func TestChangePointsAreTheSameEachTime(t *testing.T) {
	x := levels(rand.New(rand.NewPCG(5, 6)), 1, lasting{30, 0}, lasting{30, 1.2})
	given := slices.Clone(x)
	first := stats.ChangePoints(x, 0.05)
	if again := stats.ChangePoints(x, 0.05); !slices.Equal(first, again) {
		t.Errorf("%v, then %v", first, again)
	}
	if !slices.Equal(x, given) {
		t.Error("the series was changed in place")
	}
}

// rate is the share of trials whose series fulfils something.
func rate(trials int, series func(*rand.Rand) []float64, is func([]stats.ChangePoint) bool) float64 {
	rng := rand.New(rand.NewPCG(20, 26))
	hit := 0
	for range trials {
		if is(stats.ChangePoints(series(rng), 0.01)) {
			hit++
		}
	}
	return float64(hit) / float64(trials)
}

func anyPoint(points []stats.ChangePoint) bool { return len(points) > 0 }

// Of 1,000 series without a change, 10 ± 3.1 give an alarm at 0.01.
func TestChangePointsKeepTheirLevel(t *testing.T) {
	for name, c := range map[string]struct {
		trials int
		series func(*rand.Rand) []float64
	}{
		"30 normal values":                         {1000, func(r *rand.Rand) []float64 { return sampled(30, r.NormFloat64) }},
		"100 skewed values":                        {1000, func(r *rand.Rand) []float64 { return sampled(100, r.ExpFloat64) }},
		"300 values, whose p-value is the limit's": {1000, func(r *rand.Rand) []float64 { return sampled(300, r.NormFloat64) }},
		"60 values with heavy tails": {1000, func(r *rand.Rand) []float64 {
			return sampled(60, func() float64 { return r.NormFloat64() / math.Abs(r.NormFloat64()) })
		}},
	} {
		t.Run(name, func(t *testing.T) {
			share := rate(c.trials, c.series, anyPoint)
			t.Logf("%.4f of series without a change give an alarm", share)
			if share > 0.02 {
				t.Errorf("%.4f of series without a change give an alarm at 0.01", share)
			}
		})
	}
}

// Nightly figures whose deviation from night to night is 0.5 %.
func TestChangePointsFindWhatMatters(t *testing.T) {
	near := func(want ...int) func([]stats.ChangePoint) bool {
		return func(points []stats.ChangePoint) bool {
			if len(points) != len(want) {
				return false
			}
			for i, p := range points {
				if math.Abs(float64(p.Index-want[i])) > 2 {
					return false
				}
			}
			return true
		}
	}
	series := func(steps ...lasting) func(*rand.Rand) []float64 {
		return func(r *rand.Rand) []float64 { return levels(r, 0.5, steps...) }
	}
	for name, c := range map[string]struct {
		series func(*rand.Rand) []float64
		is     func([]stats.ChangePoint) bool
		least  float64
	}{
		"1 % for ten nights after thirty":     {series(lasting{30, 100}, lasting{10, 99}), anyPoint, 0.65},
		"1 % for thirty nights after thirty":  {series(lasting{30, 100}, lasting{30, 99}), anyPoint, 0.99},
		"2 %, to within two nights":           {series(lasting{30, 100}, lasting{30, 98}), near(30), 0.95},
		"2 % that was fixed, both times":      {series(lasting{20, 100}, lasting{20, 98}, lasting{20, 100}), near(20, 40), 0.9},
		"0.5 % for sixty nights, after sixty": {series(lasting{60, 100}, lasting{60, 99.5}), anyPoint, 0.95},
	} {
		t.Run(name, func(t *testing.T) {
			share := rate(200, c.series, c.is)
			t.Logf("found in %.3f", share)
			if share < c.least {
				t.Errorf("found in %.3f, expected at least %.2f", share, c.least)
			}
		})
	}
}

func BenchmarkChangePoints(b *testing.B) {
	x := levels(rand.New(rand.NewPCG(1, 2)), 1, lasting{4000, 10}, lasting{3000, 11}, lasting{3000, 10})
	for b.Loop() {
		stats.ChangePoints(x, 0.01)
	}
}
