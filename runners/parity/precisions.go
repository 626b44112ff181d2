package parity

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/plan"
)

// numbers are the tolerances that the precision of a plan changes.
type numbers struct {
	operator float64 // of an operator case's tensor
	exact    float64 // of the workload at its own size, if the spread is not measured
	measured float64 // of a timed process against its verified twin
	noise    float64 // the reference's, in roundings of the precision
	smooth   bounds
	rough    bounds // of gradients
}

// float32s: operator cases sum at most some hundreds of terms of size one, so
// float32 agrees to about 1e-6; at a workload's own size it shows a tenth of
// what is allowed.
var float32s = numbers{
	operator: 1e-5, exact: 1e-4, measured: 1e-4, noise: 16,
	smooth: bounds{factor: 1, floor: 1e-5, ceiling: 1e-3},
	rough:  bounds{factor: 5, floor: 1e-4, ceiling: 0.5},
}

// fewer are those of the other precisions, in units of their roundoff but for
// the factors, and the ceiling of gradients. Nodes round there some hundred
// thousand times as coarsely as float32 sums, so that what decides is how often
// an honest framework rounds on the way (inputs, weights, output), and not how
// many terms it sums: float32's 1e-5 is 168 roundings, here are some. So many
// units flip that noise of two roundings flips its share of each tensor's.
var fewer = numbers{
	operator: 8, exact: 16, measured: 8, noise: 2,
	smooth: bounds{factor: 2, floor: 2, ceiling: 32},
	rough:  bounds{factor: 3, floor: 4, ceiling: 0.75},
}

// eights are int8's. All scales are powers of two there: sums of products and their
// rescaling are exact, so that an honest runner is off by float32's rounding of the
// logits, as in float32. What computes in float between (a gate, a norm, an average of
// 49 values) may be within its rounding of a half, and then the whole number falls on
// one side in one computation and on the other side in another. Noise of float32's
// size, only there, bounds how far such steps move the outputs. Beyond the ceiling a
// runner that does not quantise at all could pass: its outputs are off by some
// hundredths.
var eights = numbers{
	operator: 1e-5, exact: 1e-4, measured: 1e-4, noise: 16,
	smooth: bounds{factor: 2, floor: 1e-5, ceiling: 1e-2},
	rough:  bounds{factor: 2, floor: 1e-4, ceiling: 1e-2},
}

// roundoffs are half the distance from 1 to the next number.
var roundoffs = map[string]float64{"tf32": 1.0 / (1 << 11), "fp16": 1.0 / (1 << 11), "bf16": 1.0 / (1 << 8)}

// numbersOf are a precision's; what is none has float32's.
func numbersOf(precision string) numbers {
	if precision == plan.INT8 {
		return eights
	}
	u, ok := roundoffs[precision]
	if !ok {
		return float32s
	}
	n := fewer
	n.operator, n.exact, n.measured = u*n.operator, u*n.exact, u*n.measured
	n.smooth.floor, n.smooth.ceiling = u*n.smooth.floor, u*n.smooth.ceiling
	n.rough.floor *= u
	return n
}

// lacks is the refusal of a precision that a runner does not say it has, before
// it is asked to compute in it. A runner that names none has float32.
func lacks(can protocol.Capabilities, precision string) error {
	has := can.Precisions
	if len(has) == 0 {
		has = []string{plan.FP32}
	}
	if slices.Contains(has, precision) {
		return nil
	}
	reason := can.NoPrecision[precision]
	if reason == "" && precision == plan.INT8 {
		reason = "the runner takes no graph in whole numbers (ONNX's QuantizeLinear and DequantizeLinear)"
	}
	if reason == "" {
		reason = "the runner has " + strings.Join(has, ", ") + " on this device"
	}
	return &runnerFault{&protocol.Error{Code: protocol.Unsupported, Message: fmt.Sprintf("precision %s: %s", precision, reason)}}
}
