package campaign

import (
	"time"

	"github.com/dlbench/dlbench/workloads/plan"
)

// What a process takes is estimated from the operations of its workload before
// anything was measured. The figures are medians of twelve frameworks on a virtual
// machine with two cores (docs/method.md, README); a framework that is far slower
// or faster is off by as much, so that an estimate is good to a factor of two or three.
const (
	macsPerThread    = 15e9                    // multiply-accumulates a second
	setUp            = 3500 * time.Millisecond // start, import and load
	macsPerCard      = 10e12                   // as PyTorch and JAX reach in fp32 on an H200 (docs/gpu.md)
	setUpOnCard      = 9 * time.Second         // seen there, too: libraries of gigabytes, and kernels that are compiled or tried
	warmupIterations = 20                      // until the last ones look alike
	leastWarmup      = time.Second
)

// Work is what is known of a workload before it is measured.
type Work struct {
	Mode    plan.Mode
	Batch   int
	MACs    int64 // of one image's forward pass
	Threads int
	Card    bool // a GPU computes it
	Patches int  // of a volume of the sliding-window scenario; 0 if the network cannot infer one
}

// iteration is how long one would take. A training step is three forward passes.
func (w Work) iteration() time.Duration {
	macs := float64(w.MACs) * float64(w.Batch)
	if w.Mode == plan.Train {
		macs *= 3
	}
	rate := macsPerThread * float64(max(1, w.Threads))
	if w.Card {
		rate = macsPerCard
	}
	return time.Duration(macs / rate * float64(time.Second))
}

// Estimate is how long one process of a workload would take.
func (p Profile) Estimate(w Work, s Scenarios) time.Duration {
	iteration := w.iteration()
	block := func(length time.Duration) time.Duration { return max(length, fewestIterations*iteration) }
	start := setUp
	if w.Card {
		start = setUpOnCard
	}
	total := start + min(p.WarmupTime+3*iteration, max(leastWarmup, warmupIterations*iteration)) + time.Duration(p.Blocks)*block(p.BlockTime)
	if w.Mode == plan.Train {
		return total
	}
	total += block(p.LatencyTime)
	if s.MultiStream && QueryImages%w.Batch == 0 {
		total += max(p.LatencyTime, 2*time.Duration(QueryImages/w.Batch)*iteration)
	}
	if s.LatencyBound > 0 { // some rungs of the ladder, each with the queries of a p99
		total += 6 * max(s.LatencyBound*backlogQueries, 662*iteration)
	}
	if !s.Window.None() && w.Patches > 0 {
		total += max(p.LatencyTime, fewestVolumes*time.Duration(batches(w.Patches, w.Batch))*iteration)
	}
	return total
}
