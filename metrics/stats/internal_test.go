package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

// Expected values were made with SciPy 1.17.1: scipy.stats.t.ppf(0.975, freedom).
func TestStudentQuantile(t *testing.T) {
	for freedom, want := range map[float64]float64{1: 12.706204736174694, 2: 4.302652729749462, 5: 2.5705818356363146,
		10: 2.228138851986274, 29: 2.045229642132703, 59: 2.000995378088267} {
		if got := studentQuantile(0.975, freedom); math.Abs(got-want) > 1e-9 {
			t.Errorf("%v degrees of freedom: %v, expected %v", freedom, got, want)
		}
	}
}

// Weighing sorted Walsh averages anew gives what the resample's own Walsh
// averages give.
func TestResampleIsTheSampleWrittenOut(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 3))
	for range 300 {
		n := 1 + rng.IntN(9)
		ratios, times := make([]float64, n), make([]int, n)
		var written []float64
		for i := range ratios {
			ratios[i] = math.Exp(rng.NormFloat64())
			times[i] = rng.IntN(4)
			for range times[i] {
				written = append(written, math.Log(ratios[i]))
			}
		}
		got, want := newSuiteCell(ratios).hodgesLehmann(times), HodgesLehmann(written)
		if math.IsNaN(got) != math.IsNaN(want) || math.Abs(got-want) > 1e-12 {
			t.Fatalf("%v times %v: %v, expected %v", ratios, times, got, want)
		}
	}
}

// Kuiper's limit against the quantiles that Stephens gives ("Use of the
// Kolmogorov–Smirnov, Cramér–von Mises and Related Statistics Without Extensive
// Tables", JRSS B 32(1), 1970, table 1A: V).
func TestKuiperTail(t *testing.T) {
	for v, want := range map[float64]float64{1.620: 0.10, 1.747: 0.05, 1.862: 0.025, 2.001: 0.01} {
		if got := kuiperTail(v); math.Abs(got-want) > 0.01*want {
			t.Errorf("P(V > %v) is %.5f, expected %.3f", v, got, want)
		}
	}
	if kuiperTail(0) != 1 || kuiperTail(math.NaN()) != 1 || kuiperTail(0.41) < 0.999 {
		t.Error("a range of next to nothing is taken for evidence")
	}
}

// Kuiper's limit and Student's quantile against astropy and SciPy.
func TestGoldenTails(t *testing.T) {
	data, err := os.ReadFile("testdata/golden/scipy.txt")
	if err != nil {
		t.Fatal(err)
	}
	held := map[string]int{}
	for _, line := range strings.Split(string(data), "\n") {
		var at, want, got float64
		switch {
		case scanned(line, "v=%g kuiper %g", &at, &want):
			held["kuiper"]++
			got = kuiperTail(at)
		case scanned(line, "freedom=%g student:0.975 %g", &at, &want):
			held["student"]++
			got = studentQuantile(0.975, at)
		default:
			continue
		}
		if math.Abs(got-want) > 1e-6*want {
			t.Errorf("%s: %v", line, got)
		}
	}
	if held["kuiper"] < 8 || held["student"] < 6 {
		t.Errorf("only %v lines were found", held)
	}
}

func scanned(line, format string, values ...any) bool {
	n, err := fmt.Sscanf(line, format, values...)
	return err == nil && n == len(values)
}
