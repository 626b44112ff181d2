package network

import (
	"fmt"
	"slices"
)

// transpose is ONNX Transpose of any axes but the batch's.
var transpose = operator{
	attributes: []attribute{{"perm", permutation}},
	inputs:     arity{1, 1},
	infer: func(a application) ([]int, error) {
		x, perm := a.activations[0], a.attributes.Ints("perm")
		if len(perm) != len(x) {
			return nil, fmt.Errorf("perm %v has %d axes, input %v has %d", perm, len(perm), x, len(x))
		}
		out := make([]int, len(x))
		for i, from := range perm {
			out[i] = x[from]
		}
		return out, nil
	},
}

// maxRank bounds the axes of an activation.
const maxRank = 6

func permutation(value any) error {
	list, ok := value.([]int)
	if !ok {
		return fmt.Errorf("%s, wants a list of ints", describe(value))
	}
	sorted := slices.Sorted(slices.Values(list))
	for i, v := range sorted {
		if v != i || len(list) > maxRank || list[0] != 0 {
			return fmt.Errorf("%v, wants the axes 0 to %d in some order, the batch's first", list, min(len(list), maxRank)-1)
		}
	}
	if len(list) == 0 {
		return fmt.Errorf("%v, wants the axes in some order", list)
	}
	return nil
}

// reshape is ONNX Reshape with its shape as an attribute (an input since opset
// 5). The first entry is 0, which copies the batch; the others are written.
var reshape = operator{
	attributes: []attribute{{"shape", target}},
	inputs:     arity{1, 1},
	infer: func(a application) ([]int, error) {
		x, shape := a.activations[0], a.attributes.Ints("shape")
		out := append([]int{x[0]}, shape[1:]...)
		if err := checkShape(out); err != nil {
			return nil, err
		}
		if Elements(out) != Elements(x) {
			return nil, fmt.Errorf("shape %v has %d elements an image, input %v has %d", shape, Elements(out[1:]), x, Elements(x[1:]))
		}
		return out, nil
	},
}

func target(value any) error {
	list, ok := value.([]int)
	if !ok {
		return fmt.Errorf("%s, wants a list of ints", describe(value))
	}
	if len(list) < 2 || len(list) > maxRank || list[0] != 0 || slices.Min(list[1:]) < 1 || slices.Max(list) > MaxExtent {
		return fmt.Errorf("%v, wants 0 for the batch and then 1 to %d positive ints", list, maxRank-1)
	}
	return nil
}

// slice is ONNX Slice of one axis with step 1: the elements from start to
// before end. ONNX takes these as inputs.
var slice = operator{
	attributes: []attribute{
		{"axis", integer(1, maxRank-1)},
		{"start", integer(0, MaxExtent)},
		{"end", integer(1, MaxExtent)},
	},
	inputs: arity{1, 1},
	infer: func(a application) ([]int, error) {
		out := slices.Clone(a.activations[0])
		axis, start, end := a.attributes.Int("axis"), a.attributes.Int("start"), a.attributes.Int("end")
		if axis >= len(out) {
			return nil, fmt.Errorf("axis %d is not an axis of input %v", axis, out)
		}
		if start >= end || end > out[axis] {
			return nil, fmt.Errorf("start %d and end %d are not within axis %d of input %v", start, end, axis, out)
		}
		out[axis] = end - start
		return out, nil
	},
}

// layerNormalization is ONNX LayerNormalization: over the axes from axis to the
// last, with a scale and a bias of these axes' shape. Over the channels of an
// image it stands between two Transposes, as in ConvNeXt.
// https://onnx.ai/onnx/operators/onnx__LayerNormalization.html
var layerNormalization = operator{
	attributes: []attribute{
		{"axis", integer(1, maxRank-1)},
		{"epsilon", positive},
	},
	inputs:     arity{1, 1},
	parameters: []Role{Trainable, Trainable},
	infer: func(a application) ([]int, error) {
		x, axis := a.activations[0], a.attributes.Int("axis")
		if axis >= len(x) {
			return nil, fmt.Errorf("axis %d is not an axis of input %v", axis, x)
		}
		for i, what := range []string{"scale", "bias"} {
			if err := same(what, a.parameters[i], x[axis:]); err != nil {
				return nil, err
			}
		}
		return x, nil
	},
}
