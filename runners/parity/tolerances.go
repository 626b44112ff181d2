package parity

import "fmt"

// The tolerances, each with its reason. docs/parity.md shows how far inside
// them honest runners stay and how far outside every known mistake falls.
const (
	// version changes with the judging below; the numbers are part of every
	// verdict's key by themselves.
	version = "6"

	// operatorFloor is of the group's norm, for tensors that nearly vanish.
	operatorFloor = 1e-2

	// The reference repeats itself noiseSeeds times with noise of some roundings
	// at every node, and an honest deviation is at most a small
	// multiple of what that moved a tensor by: see quantity.
	//
	// The noise is that much larger than rounding because of rectifiers and max
	// pools. A value within rounding of the edge falls on one side in one
	// computation and on the other side in another, and one such unit moves the
	// gradients of every tensor below it by some thousandths. A network of
	// millions of units has a few of them, another few for every framework:
	// noise of one rounding rarely meets the same ones. Noise of sixteen flips
	// sixteen times as many, so that it bounds whichever a framework flips.
	noiseSeeds = 3

	// caseSeeds: a case has few units, so that it takes more repetitions until
	// each that may flip has done so once.
	caseSeeds = 8

	// vanishing is the share of the whole gradient's norm below which a
	// tensor's own norm is not a measure any more.
	vanishing = 1e-3

	// The step is compared by its size: one part in 1e5, and what rounding the
	// parameter to float32 takes from it.
	updateTolerance = 1e-5
	updateRounding  = 4.0 / (1 << 24) // of the parameter's norm

	trajectorySteps = 10
	exactSteps      = 3

	// mostForwardMACs bounds what the reference computes at a workload's own
	// size: a forward pass of ResNet-50 at batch 96, or of ResNet-152 at 34,
	// takes it half a minute on two cores.
	mostForwardMACs = 400e9
)

// quantity is one check of the network layer: the tensors whose names begin so,
// how many times the reference's spread they may be off by, and the bounds of
// that tolerance. Below the floor a spread is not trusted; a spread beyond the
// ceiling would let mistakes pass.
//
// What is smooth in its inputs is moved by honest rounding a tenth of the spread
// at most. Gradients are not: the units that flip are few and of unlike weight,
// and honest frameworks came to 1.6 times the spread (32 batches of ResNet-20).
type quantity struct {
	name     string
	prefixes []string
	bounds
}

type bounds struct{ factor, floor, ceiling float64 }

func quantities(smooth, rough bounds) []quantity {
	return []quantity{
		{outputs, []string{"output."}, smooth},
		{"loss", []string{"loss"}, smooth},
		{gradients, []string{"grad.0/", "grad.1/"}, rough},
		{"running statistics", []string{"stat.1/", "stat.2/"}, smooth},
		{"trajectory", []string{"trajectory"}, smooth},
	}
}

const (
	outputs   = "outputs"
	gradients = "gradients"
)

// tolerance is what an honest runner may be off by.
func (q bounds) tolerance(spread float64) float64 {
	return min(max(q.floor, q.factor*spread), q.ceiling)
}

// toleranceKey names every number that a verdict depends on.
func toleranceKey() string {
	return fmt.Sprint(version, operatorFloor, vanishing, updateTolerance, updateRounding,
		mostForwardMACs, trajectorySteps, exactSteps, float32s, fewer, eights, roundoffs, finest, noiseKey())
}

// noiseKey names what the reference's answers depend on.
func noiseKey() string {
	return fmt.Sprint("distilled-1", float32s.noise, fewer.noise, eights.noise, noiseSeeds, caseSeeds)
}
