package network

import (
	"fmt"
	"slices"
)

// concat is ONNX Concat along any axis but the batch's.
var concat = operator{
	attributes: []attribute{{"axis", integer(1, maxRank-1)}},
	inputs:     arity{2, MaxExtent},
	infer: func(a application) ([]int, error) {
		axis, out := a.attributes.Int("axis"), slices.Clone(a.activations[0])
		if axis >= len(out) {
			return nil, fmt.Errorf("axis %d is not an axis of input %v", axis, out)
		}
		for _, x := range a.activations[1:] {
			if len(x) != len(out) {
				return nil, fmt.Errorf("inputs disagree on rank: %v and %v", a.activations[0][1:], x[1:])
			}
			for i := range x {
				if i != axis && x[i] != out[i] {
					return nil, fmt.Errorf("inputs disagree beside axis %d: %v and %v", axis, a.activations[0][1:], x[1:])
				}
			}
			out[axis] += x[axis]
		}
		return out, nil
	},
}

// flatten is ONNX Flatten after the batch axis, in NCHW order: a runner that
// holds NHWC has to permute the weights of the Gemm that follows.
var flatten = operator{
	attributes: []attribute{{"axis", exactly(1)}},
	inputs:     arity{1, 1},
	infer: func(a application) ([]int, error) {
		x := a.activations[0]
		return []int{x[0], int(Elements(x[1:]))}, nil
	},
}

// Elements is the number of elements of a shape.
func Elements(shape []int) int64 {
	n := int64(1)
	for _, d := range shape {
		n *= int64(d)
	}
	return n
}

// checkShape refuses a shape whose elements cannot be counted or held.
func checkShape(shape []int) error {
	n := int64(1)
	for _, d := range shape {
		if d < 1 {
			return fmt.Errorf("shape %v has an axis below 1", shape)
		}
		if d > maxElements || n*int64(d) > maxElements {
			return fmt.Errorf("shape %v has more than %d elements", shape, int64(maxElements))
		}
		n *= int64(d)
	}
	return nil
}

// spatial wants a batch of images, or of volumes.
func spatial(x []int) error {
	if len(x) != 4 && len(x) != 5 {
		return fmt.Errorf("input is %v, wants [N C H W] or [N C D H W]", x)
	}
	return nil
}

// fits wants an image or a volume, and of the attributes a number for each of its
// spatial axes; of pads two.
func (a application) fits(names ...string) error {
	x := a.activations[0]
	if err := spatial(x); err != nil {
		return err
	}
	for _, name := range names {
		want := len(x) - 2
		if name == "pads" {
			want *= 2
		}
		if list := a.attributes.Ints(name); len(list) != want {
			return fmt.Errorf("attribute %q: %v, wants %d ints for input %v", name, list, want, x)
		}
	}
	return nil
}

func same(what string, got, want []int) error {
	if !slices.Equal(got, want) {
		return fmt.Errorf("%s is %v, wants %v", what, got, want)
	}
	return nil
}

// vectors wants every parameter to be one value a channel.
func vectors(parameters [][]int, channels int, what ...string) error {
	for i, p := range parameters {
		if err := same(what[i], p, []int{channels}); err != nil {
			return err
		}
	}
	return nil
}
