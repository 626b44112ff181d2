package stats

import (
	"math"
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
