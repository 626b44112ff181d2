package summary_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// queue serves queries that arrive as a Poisson process, one after the other,
// each in a millisecond.
func queue(seed uint64, load float64, queries int) record.Block {
	rng := rand.New(rand.NewPCG(seed, 3))
	b := record.Block{Scenario: record.Server, Iterations: queries, QueryRate: load * 1000}
	arrival, free := 0.0, 0.0
	for range queries {
		arrival += rng.ExpFloat64() / b.QueryRate
		free = max(free, arrival) + 1e-3
		b.QueryNS = append(b.QueryNS, int64((free-arrival)*1e9))
	}
	return b
}

// TestARateThatIsTooHighKeepsNoBound asks it of a bound that no block fills.
func TestARateThatIsTooHighKeepsNoBound(t *testing.T) {
	const each = 200
	for load, want := range map[float64]bool{0.5: true, 0.8: true, 0.9: true, 1.1: false, 1.5: false, 3: false} {
		kept := 0
		for seed := range uint64(each) {
			if summary.Keeps(queue(seed, load, 2000), 10*time.Minute) {
				kept++
			}
		}
		if want && kept < each*99/100 || !want && kept > each/20 {
			t.Errorf("at a load of %g the bound is kept in %d of %d blocks", load, kept, each)
		}
		t.Logf("at a load of %g the bound is kept in %d of %d blocks", load, kept, each)
	}
}
