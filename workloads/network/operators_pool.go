package network

import (
	"fmt"
	"slices"
)

// maxPool is ONNX MaxPool: https://onnx.ai/onnx/operators/onnx__MaxPool.html.
// Padding never wins. With ceil_mode 1 a last window that overhangs is kept,
// unless it would start in the padding at the end (the rule of PyTorch, and of
// ONNX since opset 19; 17 is silent).
var maxPool = operator{
	attributes: []attribute{
		{"kernel_shape", perAxis(1)},
		{"strides", perAxis(1)},
		{"pads", perSide},
		{"dilations", perAxis(1)},
		{"ceil_mode", integer(0, 1)},
	},
	inputs: arity{1, 1},
	infer: func(a application) ([]int, error) {
		if err := a.fits("dilations"); err != nil {
			return nil, err
		}
		return inferPool(a, a.attributes.Ints("dilations"))
	},
}

// averagePool is ONNX AveragePool: https://onnx.ai/onnx/operators/onnx__AveragePool.html.
// With count_include_pad 0 a window's sum is divided by the number of its cells
// that lie in the input; with 1 by those that lie in the padded input. Cells
// that ceil_mode adds beyond the padding are never counted.
var averagePool = operator{
	attributes: []attribute{
		{"kernel_shape", perAxis(1)},
		{"strides", perAxis(1)},
		{"pads", perSide},
		{"ceil_mode", integer(0, 1)},
		{"count_include_pad", integer(0, 1)},
	},
	inputs: arity{1, 1},
	infer: func(a application) ([]int, error) {
		return inferPool(a, []int{1, 1, 1})
	},
}

func inferPool(a application, dilations []int) ([]int, error) {
	x := a.activations[0]
	if err := a.fits("kernel_shape", "strides", "pads"); err != nil {
		return nil, err
	}
	kernel, strides, pads := a.attributes.Ints("kernel_shape"), a.attributes.Ints("strides"), a.attributes.Ints("pads")
	axes := len(kernel)
	for i := range pads {
		// Otherwise a window may hold only padding: a maximum over nothing.
		if pads[i] >= kernel[i%axes] {
			return nil, fmt.Errorf("pads %v are not smaller than kernel %v", pads, kernel)
		}
	}
	size, err := window(a.attributes, dilations, x)
	if err != nil {
		return nil, err
	}
	if a.attributes.Int("ceil_mode") != 0 {
		for i := range size {
			room := x[2+i] + pads[i] + pads[axes+i] - (dilations[i]*(kernel[i]-1) + 1)
			overhangs := room%strides[i] != 0
			if starts := size[i] * strides[i]; overhangs && starts < x[2+i]+pads[i] {
				size[i]++
			}
		}
	}
	return append([]int{x[0], x[1]}, size...), nil
}

// globalAveragePool is ONNX GlobalAveragePool: the mean over all spatial axes,
// which stay as axes of length 1.
var globalAveragePool = operator{
	inputs: arity{1, 1},
	infer: func(a application) ([]int, error) {
		x := a.activations[0]
		if err := spatial(x); err != nil {
			return nil, err
		}
		out := slices.Clone(x)
		for i := range out[2:] {
			out[2+i] = 1
		}
		return out, nil
	},
}

// resize is ONNX Resize with whole-number scales, one for each spatial axis, which
// ONNX passes as an input: https://onnx.ai/onnx/operators/onnx__Resize.html.
// Nearest goes only with asymmetric coordinates and floor: each element is
// repeated, which is what every framework means by nearest.
var resize = operator{
	attributes: []attribute{
		{"mode", oneOf("nearest", "linear")},
		{"scales", perAxis(1)},
		{"coordinate_transformation_mode", oneOf("half_pixel", "asymmetric")},
		{"nearest_mode", oneOf("floor")},
	},
	inputs: arity{1, 1},
	infer: func(a application) ([]int, error) {
		x := a.activations[0]
		if err := a.fits("scales"); err != nil {
			return nil, err
		}
		mode, coordinates := a.attributes.String("mode"), a.attributes.String("coordinate_transformation_mode")
		if mode == "nearest" && coordinates != "asymmetric" {
			return nil, fmt.Errorf("mode nearest with coordinates %s has no agreed meaning, wants asymmetric", coordinates)
		}
		out := slices.Clone(x)
		for i, scale := range a.attributes.Ints("scales") {
			out[2+i] *= scale
		}
		return out, nil
	},
}
