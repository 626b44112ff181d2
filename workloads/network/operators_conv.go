package network

import "fmt"

// conv is ONNX Conv: https://onnx.ai/onnx/operators/onnx__Conv.html. pads are
// top, left, bottom, right, of volumes front, top, left, back, bottom, right; the
// weight is [out, in/group, kh, kw], or [out, in/group, kd, kh, kw].
var conv = operator{
	attributes: []attribute{
		{"kernel_shape", perAxis(1)},
		{"strides", perAxis(1)},
		{"pads", perSide},
		{"dilations", perAxis(1)},
		{"group", integer(1, MaxExtent)},
	},
	inputs:     arity{1, 1},
	parameters: []Role{Trainable, Trainable},
	optional:   1,
	infer:      inferConv,
	macs: func(a application, output []int) int64 {
		return Elements(output) / int64(output[0]) * Elements(a.parameters[0][1:])
	},
}

func inferConv(a application) ([]int, error) {
	x, w := a.activations[0], a.parameters[0]
	if err := a.fits("kernel_shape", "strides", "pads", "dilations"); err != nil {
		return nil, err
	}
	group, kernel := a.attributes.Int("group"), a.attributes.Ints("kernel_shape")
	if len(w) != len(x) {
		return nil, fmt.Errorf("weight is %v, wants [out in/group %v]", w, kernel)
	}
	if x[1]%group != 0 || w[0]%group != 0 {
		return nil, fmt.Errorf("group %d does not divide %d input and %d output channels", group, x[1], w[0])
	}
	want := append([]int{w[0], x[1] / group}, kernel...)
	if err := same("weight", w, want); err != nil {
		return nil, err
	}
	if err := vectors(a.parameters[1:], w[0], "bias"); err != nil {
		return nil, err
	}
	size, err := window(a.attributes, a.attributes.Ints("dilations"), x)
	return append([]int{x[0], w[0]}, size...), err
}

// convTranspose is ONNX ConvTranspose, the gradient of Conv with respect to its
// input: https://onnx.ai/onnx/operators/onnx__ConvTranspose.html. The weight is
// [in, out/group, kh, kw], or [in, out/group, kd, kh, kw]. Its multiply-accumulates are one for each input
// element, output channel of the group, and kernel cell.
var convTranspose = operator{
	attributes: []attribute{
		{"kernel_shape", perAxis(1)},
		{"strides", perAxis(1)},
		{"pads", perSide},
		{"dilations", perAxis(1)},
		{"group", integer(1, MaxExtent)},
		{"output_padding", perAxis(0)},
	},
	inputs:     arity{1, 1},
	parameters: []Role{Trainable, Trainable},
	optional:   1,
	infer:      inferConvTranspose,
	macs: func(a application, output []int) int64 {
		x := a.activations[0]
		return Elements(x) / int64(x[0]) * Elements(a.parameters[0][1:])
	},
}

func inferConvTranspose(a application) ([]int, error) {
	x, w := a.activations[0], a.parameters[0]
	if err := a.fits("kernel_shape", "strides", "pads", "dilations", "output_padding"); err != nil {
		return nil, err
	}
	group, kernel := a.attributes.Int("group"), a.attributes.Ints("kernel_shape")
	if len(w) != len(x) {
		return nil, fmt.Errorf("weight is %v, wants [in out/group %v]", w, kernel)
	}
	if x[1]%group != 0 {
		return nil, fmt.Errorf("group %d does not divide %d input channels", group, x[1])
	}
	if err := same("weight", w, append([]int{x[1], w[1]}, kernel...)); err != nil {
		return nil, err
	}
	out := []int{x[0], w[1] * group}
	if err := vectors(a.parameters[1:], out[1], "bias"); err != nil {
		return nil, err
	}
	strides, pads := a.attributes.Ints("strides"), a.attributes.Ints("pads")
	dilations, extra := a.attributes.Ints("dilations"), a.attributes.Ints("output_padding")
	axes := len(kernel)
	for i := range axes {
		// A larger output padding would add rows that no input reaches.
		if extra[i] >= max(strides[i], dilations[i]) {
			return nil, fmt.Errorf("output_padding %v is not below strides %v or dilations %v", extra, strides, dilations)
		}
		size := strides[i]*(x[2+i]-1) + extra[i] + dilations[i]*(kernel[i]-1) + 1 - pads[i] - pads[axes+i]
		if size < 1 {
			return nil, fmt.Errorf("pads %v leave nothing of input %v", pads, x)
		}
		out = append(out, size)
	}
	return out, nil
}

// window returns how often, along each axis, a sliding window fits wholly into
// the padded input.
func window(a Attributes, dilations []int, x []int) ([]int, error) {
	kernel, strides, pads := a.Ints("kernel_shape"), a.Ints("strides"), a.Ints("pads")
	out := make([]int, len(kernel))
	for i := range out {
		room := x[2+i] + pads[i] + pads[len(kernel)+i] - (dilations[i]*(kernel[i]-1) + 1)
		if room < 0 {
			return nil, fmt.Errorf("kernel %v with dilations %v does not fit into input %v with pads %v", kernel, dilations, x, pads)
		}
		out[i] = room/strides[i] + 1
	}
	return out, nil
}
