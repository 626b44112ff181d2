package stats_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/dlbench/dlbench/metrics/stats"
)

// Expected values marked [scipy] were made with SciPy 1.17.1 and NumPy 2 from
// the numbers that stand beside them: numpy.quantile, scipy.stats.gmean,
// median_abs_deviation, binom.cdf, t.ppf, wilcoxon(method="exact"); those
// marked [enumerated] by going through all 2ⁿ signs in Python.

// depression is Hollander & Wolfe's table of the Hamilton depression scale of
// nine patients before and after a tranquilizer, the example of R's
// wilcox.test: after − before is centred at −0.46, 95 % interval −0.786 to
// −0.010, one-sided p 0.01953.
var depression = minus(
	[]float64{0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29},
	[]float64{1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30})

var eleven = []float64{100.012, 102.987, 97.259, 91.094, 95.453, 90.084, 100.601, 113.402, 95.078, 93.795, 104.898}

func minus(a, b []float64) []float64 {
	d := make([]float64, len(a))
	for i := range a {
		d[i] = a[i] - b[i]
	}
	return d
}

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %.12g, expected %.12g", what, got, want)
	}
}

func TestQuantileAgreesWithNumPy(t *testing.T) { // [scipy]
	want := map[float64]float64{0: 90.084, 0.1: 91.094, 0.25: 94.4365, 0.5: 97.259, 0.75: 101.794,
		0.9: 104.898, 0.95: 109.15, 0.99: 112.5516, 1: 113.402}
	given := slices.Clone(eleven)
	for p, v := range want {
		near(t, "quantile", stats.Quantile(eleven, p), v, 1e-9)
		near(t, "quantiles", stats.Quantiles(eleven, 0.5, p)[1], v, 1e-9)
	}
	if !slices.Equal(given, eleven) {
		t.Error("the sample was sorted in place")
	}
}

func TestDescriptions(t *testing.T) { // [scipy]
	near(t, "MAD", stats.MAD(eleven), 3.464, 1e-9)
	near(t, "geometric mean", stats.GeometricMean(eleven), 98.39990110657732, 1e-9)
	near(t, "median of an even count", stats.Median([]float64{4, 1, 3, 2}), 2.5, 0)
	near(t, "mean", stats.Mean([]float64{1, 2, 6}), 3, 0)
	for name, f := range map[string]func([]float64) float64{"Median": stats.Median, "Mean": stats.Mean,
		"MAD": stats.MAD, "GeometricMean": stats.GeometricMean, "HodgesLehmann": stats.HodgesLehmann} {
		if v := f(nil); !math.IsNaN(v) {
			t.Errorf("%s of nothing is %v", name, v)
		}
	}
}

func TestPercentilesNeedSamples(t *testing.T) {
	for p, need := range map[float64]int{0.5: 10, 0.9: 64, 0.95: 130, 0.99: 662, 0.999: 6636} {
		if got := stats.PercentileSamples(p); got != need {
			t.Errorf("p%g needs %d samples, expected %d", 100*p, got, need)
		}
		x := make([]float64, need)
		for i := range x {
			x[i] = float64(i)
		}
		if _, ok := stats.Percentile(x[1:], p); ok {
			t.Errorf("p%g was given from %d samples", 100*p, need-1)
		}
		v, ok := stats.Percentile(x, p)
		if !ok {
			t.Errorf("p%g was refused from %d samples", 100*p, need)
		}
		near(t, "percentile", v, p*float64(need-1), 1e-9)
	}
	if _, ok := stats.Percentile(make([]float64, 100_000), 0.9999); ok {
		t.Error("a percentile beyond p99.9 was given")
	}
}

func TestMedianInterval(t *testing.T) {
	x := make([]float64, 25)
	for i := range x {
		x[i] = float64(25 - i) // the k-th smallest is k
	}
	for n, want := range map[int]struct {
		k     float64
		level float64
	}{6: {1, 0.96875}, 8: {1, 0.9921875}, 9: {2, 0.9609375}, 12: {3, 0.96142578125}, // [scipy]
		17: {5, 0.950958251953125}, 20: {6, 0.9586105346679688}, 25: {8, 0.9567147493362427}} {
		iv := stats.MedianInterval(x[25-n:], 0.95)
		near(t, "low", iv.Low, want.k, 0)
		near(t, "high", iv.High, float64(n)+1-want.k, 0)
		near(t, "level", iv.Level, want.level, 1e-12)
	}
	for n := range 6 {
		if iv := stats.MedianInterval(x[:n], 0.95); iv.Exists() || !math.IsNaN(iv.Low) {
			t.Errorf("%d values gave an interval: %+v", n, iv)
		}
	}
}

func TestRangeIsNoInterval(t *testing.T) {
	iv := stats.Range([]float64{3, 1, 2})
	if iv.Low != 1 || iv.High != 3 || iv.Exists() {
		t.Errorf("got %+v", iv)
	}
	if !math.IsNaN(stats.Range(nil).Low) {
		t.Error("nothing has a range")
	}
}

func TestHodgesLehmannOfHollanderAndWolfe(t *testing.T) {
	near(t, "estimate", stats.HodgesLehmann(depression), -0.46, 1e-12)
	iv := stats.SignedRankInterval(depression, 0.95)
	near(t, "low", iv.Low, -0.786, 1e-12)
	near(t, "high", iv.High, -0.010, 1e-12)
	near(t, "level", iv.Level, 0.9609375, 1e-12)
}

// The order statistics and levels for 95 % of published signed-rank tables
// (Hollander, Wolfe & Chicken, table A.4), computed here with whole numbers in
// Python. Powers of two make every Walsh average a different number.
func TestSignedRankIntervalOrders(t *testing.T) {
	for n, want := range map[int]struct {
		k     int
		level float64
	}{6: {1, 0.96875}, 7: {3, 0.953125}, 10: {9, 0.951171875}, 12: {14, 0.95751953125}, 20: {53, 0.9515590667724609},
		30: {138, 0.9502898789942265}, 40: {265, 0.9502394321807515}, 60: {649, 0.9507184940156387}} {
		x := make([]float64, n)
		var walsh []float64
		for i := range x {
			x[i] = math.Exp2(float64(i) / 2)
			for _, b := range x[:i+1] {
				walsh = append(walsh, (x[i]+b)/2)
			}
		}
		slices.Sort(walsh)
		iv := stats.SignedRankInterval(x, 0.95)
		near(t, "level", iv.Level, want.level, 1e-12)
		near(t, "low", iv.Low, walsh[want.k-1], 1e-9)
		near(t, "high", iv.High, walsh[len(walsh)-want.k], 1e-9*iv.High)
	}
	for n := range 6 {
		if stats.SignedRankInterval(eleven[:n], 0.95).Exists() {
			t.Errorf("%d values gave an interval", n)
		}
	}
}

func TestSignedRankP(t *testing.T) {
	noisy := []float64{0.017, 0.012, -0.009, 0.009, 0.024, -0.017, 0.001, -0.028, -0.016, -0.027, 0.005, -0.015}
	distinct := []float64{0.0171, 0.012, -0.009, 0.0091, 0.024, -0.017, 0.001, -0.028, -0.016, -0.027, 0.005, -0.015}
	tests := map[string]struct {
		d                  []float64
		two, greater, less float64
	}{
		"Hollander & Wolfe [scipy]":    {depression, 0.0390625, 0.986328125, 0.01953125},
		"distinct [enumerated]":        {distinct, 0.5693359375, 0.74072265625, 0.28466796875},
		"ties [enumerated]":            {noisy, 0.509765625, 0.7607421875, 0.2548828125},
		"zeros and ties [enumerated]":  {[]float64{1, 1, 1, -1, 2, 2, -3, 0, 0, 4, 5}, 0.125, 0.0625, 0.9453125},
		"mostly ties [enumerated]":     {[]float64{0.5, -0.5, 0.5, 0.5, 1, 1}, 0.15625, 0.078125, 0.984375},
		"ties both sides [enumerated]": {[]float64{3, -1, -1, 2, 2, 2, -2, 5}, 0.1640625, 0.08203125, 0.93359375},
		"all above 0":                  {[]float64{1, 2, 3, 4, 5}, 2.0 / 32, 1.0 / 32, 1},
		"nothing but zeros":            {[]float64{0, 0, 0}, 1, 1, 1},
		"nothing":                      {nil, 1, 1, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			near(t, "two-sided", stats.SignedRankP(tt.d, stats.TwoSided), tt.two, 1e-12)
			near(t, "greater", stats.SignedRankP(tt.d, stats.Greater), tt.greater, 1e-12)
			near(t, "less", stats.SignedRankP(tt.d, stats.Less), tt.less, 1e-12)
		})
	}
}

// The interval is the test turned round: it holds exactly the centres that a
// test at its own level does not reject.
func TestSignedRankIntervalInvertsTheTest(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{6, 11, 40} {
		x := sampled(n, rng.NormFloat64)
		iv := stats.SignedRankInterval(x, 0.95)
		p := func(centre float64) float64 {
			d := make([]float64, n)
			for i := range x {
				d[i] = x[i] - centre
			}
			return stats.SignedRankP(d, stats.TwoSided)
		}
		const step = 1e-9
		if inside := p(iv.Low + step); inside <= 1-iv.Level+1e-12 {
			t.Errorf("n = %d: a centre inside is rejected with p %g", n, inside)
		}
		if outside := p(iv.Low - step); outside > 1-iv.Level+1e-12 {
			t.Errorf("n = %d: a centre outside is kept with p %g", n, outside)
		}
	}
}

func TestRatioTurnsRound(t *testing.T) {
	ratios := []float64{1.02, 1.05, 0.99, 1.03, 1.07, 1.01, 1.04}
	inverse := make([]float64, len(ratios))
	for i, r := range ratios {
		inverse[i] = 1 / r
	}
	ab, iv := stats.Ratio(ratios, 0.95)
	ba, vi := stats.Ratio(inverse, 0.95)
	near(t, "B/A", ba, 1/ab, 1e-12)
	near(t, "low of B/A", vi.Low, 1/iv.High, 1e-12)
	near(t, "high of B/A", vi.High, 1/iv.Low, 1e-12)
}

func TestSuiteRatio(t *testing.T) {
	nan := math.NaN()
	cells := [][]float64{{1.1, 1.1, 1.1, 1.1, 1.1, 1.1}, {nan, 1.3, 1.3, 1.3, nan, 1.3}, {nan, nan, nan, nan, nan, nan}}
	got, iv := stats.SuiteRatio(cells, 0.95, 200, 1)
	near(t, "ratio", got, math.Sqrt(1.1*1.3), 1e-12)
	near(t, "low", iv.Low, got, 1e-12)
	near(t, "high", iv.High, got, 1e-12)

	spread := [][]float64{{1.1, 1.2, 1.0, 1.15, 1.05, 1.3, 1.12}, {0.9, 1.0, 0.95, 0.97, 0.91, 0.99, 1.02}}
	centre, a := stats.SuiteRatio(spread, 0.95, 500, 7)
	_, b := stats.SuiteRatio(spread, 0.95, 500, 7)
	_, c := stats.SuiteRatio(spread, 0.95, 500, 8)
	if a != b || a == c {
		t.Errorf("the seed does not decide: %+v, %+v, %+v", a, b, c)
	}
	first, _ := stats.Ratio(spread[0], 0.95)
	second, _ := stats.Ratio(spread[1], 0.95)
	near(t, "centre", centre, math.Sqrt(first*second), 1e-12)

	if _, iv := stats.SuiteRatio([][]float64{{1, 1.1, 1.2, 1.1, 1}}, 0.95, 200, 1); iv.Exists() {
		t.Error("five rounds gave an interval")
	}
	if v, iv := stats.SuiteRatio(nil, 0.95, 200, 1); !math.IsNaN(v) || iv.Exists() {
		t.Errorf("nothing gave %v, %+v", v, iv)
	}
}

func TestJudge(t *testing.T) {
	for want, iv := range map[stats.Verdict]stats.Interval{
		stats.Faster:            {Low: 1.001, High: 1.2, Level: 0.96},
		stats.Slower:            {Low: 0.8, High: 0.999, Level: 0.96},
		stats.Indistinguishable: {Low: 1, High: 1.2, Level: 0.96},
		stats.TooFew:            {Low: 1.1, High: 1.2},
	} {
		if got := stats.Judge(iv); got != want {
			t.Errorf("%+v is judged %q, expected %q", iv, got, want)
		}
	}
	if got := stats.Judge(stats.Interval{Low: 0.9, High: 1, Level: 0.96}); got != stats.Indistinguishable {
		t.Errorf("an interval that ends at 1 is judged %q", got)
	}
}

func TestOutliers(t *testing.T) {
	// Quartiles 3 and 7, fences −3 and 13.
	within := []float64{1, 2, 3, 4, 5, 6, 7, 8, 13}
	if n := stats.Outliers(within); n != 0 {
		t.Errorf("%d outliers on the fence", n)
	}
	if n := stats.Outliers([]float64{-3.01, 2, 3, 4, 5, 6, 7, 8, 13.01}); n != 2 {
		t.Errorf("%d outliers, expected 2", n)
	}
	if n := stats.Outliers([]float64{-3, 2, 3, 4, 5, 6, 7, 8, 9}); n != 0 {
		t.Errorf("%d outliers on the lower fence", n)
	}
	if n := stats.Outliers(nil); n != 0 {
		t.Errorf("%d outliers in nothing", n)
	}
}

func TestRelativeHalfWidth(t *testing.T) {
	iv := stats.Interval{Low: 99, High: 101, Level: 0.95}
	near(t, "half-width", iv.RelativeHalfWidth(100), 0.01, 1e-15)
	near(t, "half-width of a negative", iv.RelativeHalfWidth(-100), 0.01, 1e-15)
	if w := stats.Range([]float64{1, 1, 1}).RelativeHalfWidth(1); !math.IsInf(w, 1) {
		t.Errorf("a range has half-width %v", w)
	}
}

func TestSteady(t *testing.T) {
	repeat := func(n int, f func(i int) float64) []int64 {
		ns := make([]int64, n)
		for i := range ns {
			ns[i] = int64(1e6 * f(i))
		}
		return ns
	}
	flat := func(int) float64 { return 10 }
	rng := rand.New(rand.NewPCG(5, 6))
	tests := map[string]struct {
		ns   []int64
		want bool
	}{
		"nothing":                    {nil, false},
		"one sample short":           {repeat(19, flat), false},
		"constant":                   {repeat(20, flat), true},
		"1 % noise":                  {repeat(20, func(int) float64 { return 10 + 0.1*rng.NormFloat64() }), true},
		"slow at first, long ago":    {append(repeat(5, func(int) float64 { return 90 }), repeat(20, flat)...), true},
		"one slow sample":            {append(repeat(1, func(int) float64 { return 90 }), repeat(19, flat)...), false},
		"settling by 2 % each":       {repeat(20, func(i int) float64 { return 10 * math.Pow(0.98, float64(i)) }), false},
		"a step of 12 %":             {repeat(20, func(i int) float64 { return 10 + 1.2*float64(i/10) }), false},
		"a step of 8 %":              {repeat(20, func(i int) float64 { return 10 + 0.8*float64(i/10) }), true},
		"only the spread settles":    {repeat(20, func(i int) float64 { return 10 + float64(1-i/10)*0.6*float64(i%2*2-1) }), false},
		"only a quartile settles":    {repeat(20, func(i int) float64 { return 10 + 1.7*float64(max(0, min(1, i-6))*max(0, min(1, 10-i))) }), false},
		"only the lower one settles": {repeat(20, func(i int) float64 { return 10 - 1.7*float64(max(0, min(1, i-6))*max(0, min(1, 10-i))) }), false},
	}
	for name, tt := range tests {
		if got := stats.Steady(tt.ns); got != tt.want {
			t.Errorf("%s: steady is %v", name, got)
		}
	}
}
