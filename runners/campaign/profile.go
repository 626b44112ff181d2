package campaign

import (
	"fmt"
	"time"
)

// Profile says how much is measured before an answer is given.
type Profile struct {
	Name        string
	MinRounds   int           // processes of each cell before the width is looked at
	MaxRounds   int           // and at most
	HalfWidth   float64       // relative half-width to reach; 0 stops at MinRounds
	Blocks      int           // throughput blocks of one process
	BlockTime   time.Duration // length that a block aims at
	LatencyTime time.Duration // length of the single-stream block
	WarmupTime  time.Duration // at most, while the warm-up is calibrated
}

// The profiles. A block's edges cost two synchronisations and two clock reads,
// some tens of microseconds, so that a third of a second keeps them under 2e-4 of it.
var profiles = []Profile{
	{Name: "quick", MinRounds: 3, MaxRounds: 3, Blocks: 3, BlockTime: 300 * time.Millisecond, LatencyTime: 500 * time.Millisecond, WarmupTime: 2 * time.Second},
	{Name: "report", MinRounds: 6, MaxRounds: 30, HalfWidth: 0.01, Blocks: 5, BlockTime: time.Second, LatencyTime: 2 * time.Second, WarmupTime: 15 * time.Second},
	{Name: "gate", MinRounds: 12, MaxRounds: 30, HalfWidth: 0.005, Blocks: 5, BlockTime: time.Second, LatencyTime: 2 * time.Second, WarmupTime: 15 * time.Second},
}

// The bounds of every profile.
const (
	mostWarmupIterations = 300    // a steady state that comes later is not waited for
	mostLatencySamples   = 20_000 // the p99.9 needs 6,636
	fewestIterations     = 2      // of a block: both slots
)

// ProfileNames lists the profiles, quickest first.
func ProfileNames() []string {
	names := make([]string, len(profiles))
	for i, p := range profiles {
		names[i] = p.Name
	}
	return names
}

// ProfileNamed returns a profile.
func ProfileNamed(name string) (Profile, error) {
	for _, p := range profiles {
		if p.Name == name {
			return p, nil
		}
	}
	return Profile{}, fmt.Errorf("unknown profile %q: use one of %v", name, ProfileNames())
}

// OneLook is the quickest profile with one process of each cell.
func OneLook() Profile { return profiles[0].WithRounds(1) }

// Hastened measures for shorter times, for tests that are not about figures. 0 and
// 1 leave them.
func (p Profile) Hastened(by int) Profile {
	divisor := time.Duration(max(1, by))
	p.BlockTime, p.LatencyTime, p.WarmupTime = p.BlockTime/divisor, p.LatencyTime/divisor, p.WarmupTime/divisor
	return p
}

// WithRounds fixes the number of rounds.
func (p Profile) WithRounds(n int) Profile {
	p.MinRounds, p.MaxRounds, p.HalfWidth = n, n, 0
	return p
}
