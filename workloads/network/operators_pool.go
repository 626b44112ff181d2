package network

import "fmt"

// maxPool is ONNX MaxPool: https://onnx.ai/onnx/operators/onnx__MaxPool.html.
// Padding never wins. With ceil_mode 1 a last window that overhangs is kept,
// unless it would start in the padding at the end (the rule of PyTorch, and of
// ONNX since opset 19; 17 is silent).
var maxPool = operator{
	attributes: []attribute{
		{"kernel_shape", integers(2, 1)},
		{"strides", integers(2, 1)},
		{"pads", integers(4, 0)},
		{"dilations", integers(2, 1)},
		{"ceil_mode", integer(0, 1)},
	},
	inputs: arity{1, 1},
	infer: func(a application) ([]int, error) {
		return inferPool(a, a.attributes.Ints("dilations"))
	},
}

// averagePool is ONNX AveragePool: https://onnx.ai/onnx/operators/onnx__AveragePool.html.
// With count_include_pad 0 a window's sum is divided by the number of its cells
// that lie in the input; with 1 by those that lie in the padded input. Cells
// that ceil_mode adds beyond the padding are never counted.
var averagePool = operator{
	attributes: []attribute{
		{"kernel_shape", integers(2, 1)},
		{"strides", integers(2, 1)},
		{"pads", integers(4, 0)},
		{"ceil_mode", integer(0, 1)},
		{"count_include_pad", integer(0, 1)},
	},
	inputs: arity{1, 1},
	infer: func(a application) ([]int, error) {
		return inferPool(a, []int{1, 1})
	},
}

func inferPool(a application, dilations []int) ([]int, error) {
	x := a.activations[0]
	if err := spatial(x); err != nil {
		return nil, err
	}
	kernel, strides, pads := a.attributes.Ints("kernel_shape"), a.attributes.Ints("strides"), a.attributes.Ints("pads")
	for i := range 4 {
		// Otherwise a window may hold only padding: a maximum over nothing.
		if pads[i] >= kernel[i%2] {
			return nil, fmt.Errorf("pads %v are not smaller than kernel %v", pads, kernel)
		}
	}
	h, w, err := window(a.attributes, dilations, x)
	if err != nil {
		return nil, err
	}
	out := []int{x[0], x[1], h, w}
	if a.attributes.Int("ceil_mode") == 0 {
		return out, nil
	}
	for i := range 2 {
		room := x[2+i] + pads[i] + pads[2+i] - (dilations[i]*(kernel[i]-1) + 1)
		overhangs := room%strides[i] != 0
		if starts := out[2+i] * strides[i]; overhangs && starts < x[2+i]+pads[i] {
			out[2+i]++
		}
	}
	return out, nil
}

// globalAveragePool is ONNX GlobalAveragePool: the mean over rows and columns,
// both of which stay as axes of length 1.
var globalAveragePool = operator{
	inputs: arity{1, 1},
	infer: func(a application) ([]int, error) {
		x := a.activations[0]
		if err := spatial(x); err != nil {
			return nil, err
		}
		return []int{x[0], x[1], 1, 1}, nil
	},
}

// resize is ONNX Resize with whole-number scales of rows and columns, which
// ONNX passes as an input: https://onnx.ai/onnx/operators/onnx__Resize.html.
// Nearest goes only with asymmetric coordinates and floor: each element is
// repeated, which is what every framework means by nearest.
var resize = operator{
	attributes: []attribute{
		{"mode", oneOf("nearest", "linear")},
		{"scales_h", integer(1, MaxExtent)},
		{"scales_w", integer(1, MaxExtent)},
		{"coordinate_transformation_mode", oneOf("half_pixel", "asymmetric")},
		{"nearest_mode", oneOf("floor")},
	},
	inputs: arity{1, 1},
	infer: func(a application) ([]int, error) {
		x := a.activations[0]
		if err := spatial(x); err != nil {
			return nil, err
		}
		mode, coordinates := a.attributes.String("mode"), a.attributes.String("coordinate_transformation_mode")
		if mode == "nearest" && coordinates != "asymmetric" {
			return nil, fmt.Errorf("mode nearest with coordinates %s has no agreed meaning, wants asymmetric", coordinates)
		}
		return []int{x[0], x[1], x[2] * a.attributes.Int("scales_h"), x[3] * a.attributes.Int("scales_w")}, nil
	},
}
