package network

import "fmt"

// Activations beyond Relu, Sigmoid and Clip, of one element each.
var (
	// leakyRelu is x if that is positive, else alpha·x.
	leakyRelu = elementwise(attribute{"alpha", float(-maxSlope, maxSlope)})
	// hardSigmoid is max(0, min(1, alpha·x + beta)).
	hardSigmoid = elementwise(attribute{"alpha", float(-maxSlope, maxSlope)}, attribute{"beta", float(-maxSlope, maxSlope)})
	// hardSwish is x · max(0, min(1, x/6 + 1/2)).
	hardSwish = elementwise()
	// gelu is x·Φ(x): with approximate "none" by erf, with "tanh" by
	// x/2 · (1 + tanh(√(2/π)·(x + 0.044715·x³))). ONNX has it since opset 20.
	gelu = elementwise(attribute{"approximate", oneOf("none", "tanh")})
)

const maxSlope = 1e6

// pRelu is LeakyRelu with a slope for each channel, or one for all, which is
// trained: [C 1 1] after an image.
var pRelu = operator{
	inputs:     arity{1, 1},
	parameters: []Role{Trainable},
	infer: func(a application) ([]int, error) {
		x := a.activations[0]
		return x, perChannel("slope", a.parameters[0], x)
	},
}

// perChannel wants a parameter that ONNX broadcasts to one value a channel, or
// to one value for all.
func perChannel(what string, p, x []int) error {
	want := make([]int, len(x)-1)
	for i := range want {
		want[i] = 1
	}
	if len(p) == len(want) && p[0] == 1 {
		return same(what, p, want)
	}
	if len(want) > 0 {
		want[0] = x[1]
	}
	return same(what, p, want)
}

// scaled is ONNX Add or Mul: of two activations of one rank with
// multidirectional broadcasting, or of one activation and a parameter with one
// value a channel (a layer scale, a bias of its own).
var scaled = operator{
	inputs:     arity{1, 2},
	parameters: []Role{Trainable},
	optional:   1,
	infer: func(a application) ([]int, error) {
		if n := len(a.activations) + len(a.parameters); n != 2 {
			return nil, fmt.Errorf("it has %d inputs, wants 2", n)
		}
		x := a.activations[0]
		if len(a.parameters) == 1 {
			return x, perChannel("parameter", a.parameters[0], x)
		}
		return broadcastShapes(x, a.activations[1])
	},
}
