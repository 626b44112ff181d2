package network

import "fmt"

// conv is ONNX Conv: https://onnx.ai/onnx/operators/onnx__Conv.html. pads are
// top, left, bottom, right; the weight is [out, in/group, kh, kw].
var conv = operator{
	attributes: []attribute{
		{"kernel_shape", integers(2, 1)},
		{"strides", integers(2, 1)},
		{"pads", integers(4, 0)},
		{"dilations", integers(2, 1)},
		{"group", integer(1, MaxExtent)},
	},
	inputs:     arity{1, 1},
	parameters: []Role{Trainable, Trainable},
	optional:   1,
	infer:      inferConv,
	macs: func(a application, output []int) int64 {
		return elements(output) / int64(output[0]) * elements(a.parameters[0][1:])
	},
}

func inferConv(a application) ([]int, error) {
	x, w := a.activations[0], a.parameters[0]
	if err := spatial(x); err != nil {
		return nil, err
	}
	group, kernel := a.attributes.Int("group"), a.attributes.Ints("kernel_shape")
	if len(w) != 4 {
		return nil, fmt.Errorf("weight is %v, wants [out in/group kh kw]", w)
	}
	if x[1]%group != 0 || w[0]%group != 0 {
		return nil, fmt.Errorf("group %d does not divide %d input and %d output channels", group, x[1], w[0])
	}
	want := []int{w[0], x[1] / group, kernel[0], kernel[1]}
	if err := same("weight", w, want); err != nil {
		return nil, err
	}
	if err := vectors(a.parameters[1:], w[0], "bias"); err != nil {
		return nil, err
	}
	h, wd, err := window(a.attributes, a.attributes.Ints("dilations"), x)
	return []int{x[0], w[0], h, wd}, err
}

// convTranspose is ONNX ConvTranspose, the gradient of Conv with respect to its
// input: https://onnx.ai/onnx/operators/onnx__ConvTranspose.html. The weight is
// [in, out/group, kh, kw]. Its multiply-accumulates are one for each input
// element, output channel of the group, and kernel cell.
var convTranspose = operator{
	attributes: []attribute{
		{"kernel_shape", integers(2, 1)},
		{"strides", integers(2, 1)},
		{"pads", integers(4, 0)},
		{"dilations", integers(2, 1)},
		{"group", integer(1, MaxExtent)},
		{"output_padding", integers(2, 0)},
	},
	inputs:     arity{1, 1},
	parameters: []Role{Trainable, Trainable},
	optional:   1,
	infer:      inferConvTranspose,
	macs: func(a application, output []int) int64 {
		x := a.activations[0]
		return elements(x) / int64(x[0]) * elements(a.parameters[0][1:])
	},
}

func inferConvTranspose(a application) ([]int, error) {
	x, w := a.activations[0], a.parameters[0]
	if err := spatial(x); err != nil {
		return nil, err
	}
	group, kernel := a.attributes.Int("group"), a.attributes.Ints("kernel_shape")
	if len(w) != 4 {
		return nil, fmt.Errorf("weight is %v, wants [in out/group kh kw]", w)
	}
	if x[1]%group != 0 {
		return nil, fmt.Errorf("group %d does not divide %d input channels", group, x[1])
	}
	if err := same("weight", w, []int{x[1], w[1], kernel[0], kernel[1]}); err != nil {
		return nil, err
	}
	out := []int{x[0], w[1] * group, 0, 0}
	if err := vectors(a.parameters[1:], out[1], "bias"); err != nil {
		return nil, err
	}
	strides, pads := a.attributes.Ints("strides"), a.attributes.Ints("pads")
	dilations, extra := a.attributes.Ints("dilations"), a.attributes.Ints("output_padding")
	for i := range 2 {
		// A larger output padding would add rows that no input reaches.
		if extra[i] >= max(strides[i], dilations[i]) {
			return nil, fmt.Errorf("output_padding %v is not below strides %v or dilations %v", extra, strides, dilations)
		}
		out[2+i] = strides[i]*(x[2+i]-1) + extra[i] + dilations[i]*(kernel[i]-1) + 1 - pads[i] - pads[2+i]
		if out[2+i] < 1 {
			return nil, fmt.Errorf("pads %v leave nothing of input %v", pads, x)
		}
	}
	return out, nil
}

// window returns the rows and columns of a sliding window that fits wholly
// into the padded input.
func window(a Attributes, dilations []int, x []int) (int, int, error) {
	kernel, strides, pads := a.Ints("kernel_shape"), a.Ints("strides"), a.Ints("pads")
	var out [2]int
	for i := range 2 {
		room := x[2+i] + pads[i] + pads[2+i] - (dilations[i]*(kernel[i]-1) + 1)
		if room < 0 {
			return 0, 0, fmt.Errorf("kernel %v with dilations %v does not fit into input %v with pads %v", kernel, dilations, x, pads)
		}
		out[i] = room/strides[i] + 1
	}
	return out[0], out[1], nil
}
