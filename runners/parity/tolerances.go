package parity

// The tolerances, each with its reason. docs/parity.md shows how far inside
// them honest runners stay and how far outside every known mistake falls.
const (
	// version changes with any of the numbers below: verdicts that were
	// reached by others are not used again.
	version = "2"

	// operatorTolerance: operator cases sum at most some hundreds of terms of
	// size one, so float32 agrees to about 1e-6.
	operatorTolerance = 1e-5
	operatorFloor     = 1e-2 // of the group's norm, for tensors that nearly vanish

	// spreadFactor is how many times the reference's own spread an honest
	// deviation may be: the spread is the largest of noiseSeeds draws of
	// rounding-sized noise, and sums of other orders or by Winograd's
	// transform err by a small multiple of it.
	spreadFactor = 6
	noiseSeeds   = 3

	// Floors of the network layer, below which spreads are not trusted.
	outputFloor     = 1e-5
	statisticsFloor = 1e-5
	lossFloor       = 1e-5
	// A pre-activation within rounding of zero makes a rectifier open in one
	// computation and stay shut in the other, and one such unit moves the
	// gradients of all tensors below it by some thousandths. It happens to some
	// honest runs and to few noise runs, so the spread cannot tell: the floors
	// allow for it, for the worst tensor and for the median over tensors. What
	// is wrong in a backward pass by less shows in the operator cases.
	gradientFloor        = 2e-2
	typicalGradientFloor = 4e-3
	// vanishing is the share of the whole gradient's norm below which a
	// tensor's own norm is no measure any more.
	vanishing = 1e-3

	// The step is compared by its size: one part in 1e5, and what rounding the
	// parameter to float32 takes from it.
	updateTolerance = 1e-5
	updateRounding  = 4.0 / (1 << 24) // of the parameter's norm

	// exactTolerance is for the workload at its own size, where the spread is
	// not measured: ten times what float32 shows there.
	exactTolerance = 1e-4

	// measuredTolerance holds a timed process against its verified twin.
	measuredTolerance = 1e-4

	trajectorySteps = 10
	exactSteps      = 3
)
