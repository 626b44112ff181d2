package network

import "fmt"

// elementwise makes an operator whose output has its input's shape: Relu,
// Sigmoid, and Dropout (which is the identity while plan.training.dropout is
// "off", and in infer mode).
func elementwise(attributes ...attribute) operator {
	return operator{
		attributes: attributes,
		inputs:     arity{1, 1},
		infer:      func(a application) ([]int, error) { return a.activations[0], nil },
	}
}

// clip is ONNX Clip with its bounds as attributes (inputs since opset 11).
var clip = operator{
	attributes: []attribute{
		{"min", float(-maxFloat32, maxFloat32)},
		{"max", float(-maxFloat32, maxFloat32)},
	},
	inputs: arity{1, 1},
	infer: func(a application) ([]int, error) {
		if low, high := a.attributes.Float("min"), a.attributes.Float("max"); low >= high {
			return nil, fmt.Errorf("min %v is not below max %v", low, high)
		}
		return a.activations[0], nil
	},
}

const maxFloat32 = 3.4e38

// softmax is ONNX Softmax over one axis other than the batch's.
var softmax = operator{
	attributes: []attribute{{"axis", integer(1, maxRank-1)}},
	inputs:     arity{1, 1},
	infer: func(a application) ([]int, error) {
		x := a.activations[0]
		if axis := a.attributes.Int("axis"); axis >= len(x) {
			return nil, fmt.Errorf("axis %d is not an axis of input %v", axis, x)
		}
		return x, nil
	},
}

// broadcastShapes is ONNX's multidirectional broadcasting of the same rank.
func broadcastShapes(x, y []int) ([]int, error) {
	if len(x) != len(y) {
		return nil, fmt.Errorf("inputs disagree on rank: %v and %v", x[1:], y[1:])
	}
	out := make([]int, len(x))
	for i := range x {
		if x[i] != y[i] && x[i] != 1 && y[i] != 1 {
			return nil, fmt.Errorf("inputs disagree on shape: %v and %v", x[1:], y[1:])
		}
		out[i] = max(x[i], y[i])
	}
	return out, nil
}

// gemm is ONNX Gemm as a dense layer: x·Wᵀ + B with W [out, in]; B may be left out. alpha, beta
// and the transpositions have to be written, and have to be those of a dense
// layer: no framework's dense layer has others.
var gemm = operator{
	attributes: []attribute{
		{"alpha", exactly(1.0)},
		{"beta", exactly(1.0)},
		{"transA", exactly(0)},
		{"transB", exactly(1)},
	},
	inputs:     arity{1, 1},
	parameters: []Role{Trainable, Trainable},
	optional:   1,
	infer: func(a application) ([]int, error) {
		x, w := a.activations[0], a.parameters[0]
		if len(x) != 2 {
			return nil, fmt.Errorf("input is %v, wants [N in]; a Flatten has to come before", x)
		}
		if len(w) != 2 || w[1] != x[1] {
			return nil, fmt.Errorf("weight is %v, wants [out %d]", w, x[1])
		}
		return []int{x[0], w[0]}, vectors(a.parameters[1:], w[0], "bias")
	},
	macs: func(a application, output []int) int64 {
		return Elements(a.parameters[0])
	},
}
