package cases

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/plan"
)

func definitions() []definition {
	var all []definition
	for _, group := range [][]definition{
		convolutions(), transposed(), normalizations(), layerNormalizations(), activations(), gates(), slopes(), pools(), binary(), others(), layouts(), volumes(), instanceNormalizations(), losses(),
	} {
		all = append(all, group...)
	}
	return all
}

var image = []int{2, 4, 9, 8} // odd and even, higher than wide

// window is alike along all axes, of which pads have both sides.
func window(kernel, stride int, pads ...int) network.Attributes {
	axes := len(pads) / 2
	return network.Attributes{"kernel_shape": alike(kernel, axes), "strides": alike(stride, axes), "pads": pads}
}

func alike(n, axes int) []int { return slices.Repeat([]int{n}, axes) }

// named is a case's name, which says of volumes that it is of them.
func named(operator, name string, input []int) string {
	if len(input) == 5 {
		operator += "3d"
	}
	return operator + "/" + name
}

func with(a network.Attributes, more network.Attributes) network.Attributes {
	out := network.Attributes{}
	for _, from := range []network.Attributes{a, more} {
		for name, value := range from {
			out[name] = value
		}
	}
	return out
}

func conv(name string, input []int, out, kernel, stride, dilation, group int, bias bool, pads ...int) definition {
	axes := len(input) - 2
	params := []network.Parameter{weight("op.weight", append([]int{out, input[1] / group}, alike(kernel, axes)...)...)}
	if bias {
		params = append(params, parameter("op.bias", 0.3, out))
	}
	return definition{name: named("conv", name, input), mode: plan.Train, input: input, op: "Conv", parameters: params,
		attributes: with(window(kernel, stride, pads...), network.Attributes{"dilations": alike(dilation, axes), "group": group})}
}

func convolutions() []definition {
	return []definition{
		conv("3x3", image, 6, 3, 1, 1, 1, false, 1, 1, 1, 1),
		conv("3x3-stride2", image, 6, 3, 2, 1, 1, false, 1, 1, 1, 1),
		conv("3x3-stride2-even", []int{2, 4, 8, 8}, 6, 3, 2, 1, 1, false, 1, 1, 1, 1),
		conv("7x7-stride2", []int{1, 3, 17, 17}, 5, 7, 2, 1, 1, false, 3, 3, 3, 3),
		conv("5x5-bias", image, 6, 5, 1, 1, 1, true, 2, 2, 2, 2),
		conv("5x5-valid-bias", image, 6, 5, 1, 1, 1, true, 0, 0, 0, 0),
		conv("1x1", image, 6, 1, 1, 1, 1, false, 0, 0, 0, 0),
		conv("1x1-stride2", image, 6, 1, 2, 1, 1, false, 0, 0, 0, 0),
		conv("batch1", []int{1, 4, 9, 8}, 6, 3, 1, 1, 1, false, 1, 1, 1, 1),
		conv("pads-top-left", image, 6, 3, 2, 1, 1, false, 1, 1, 0, 0),
		conv("pads-bottom-right", image, 6, 3, 2, 1, 1, false, 0, 0, 1, 1),
		conv("pads-all-different", image, 6, 4, 1, 1, 1, true, 0, 1, 2, 3),
		conv("groups", image, 6, 3, 1, 1, 2, false, 1, 1, 1, 1),
		conv("depthwise", image, 4, 3, 1, 1, 4, false, 1, 1, 1, 1),
		conv("depthwise-stride2", []int{2, 16, 9, 8}, 16, 3, 2, 1, 16, false, 1, 1, 1, 1),
		conv("depthwise-240", []int{2, 240, 8, 8}, 240, 3, 2, 1, 240, false, 1, 1, 1, 1),
		conv("groups-stride2-bias", image, 6, 3, 2, 1, 2, true, 1, 1, 1, 1),
		conv("dilated", image, 6, 3, 1, 2, 1, false, 2, 2, 2, 2),
		conv("dilated-valid", image, 6, 3, 1, 2, 1, true, 0, 0, 0, 0),
		{name: "conv/1x7", mode: plan.Train, input: image, op: "Conv", parameters: []network.Parameter{weight("op.weight", 6, 4, 1, 7)},
			attributes: network.Attributes{"kernel_shape": []int{1, 7}, "strides": []int{1, 2}, "pads": []int{0, 3, 0, 3}, "dilations": []int{1, 1}, "group": 1}},
	}
}

func transpose(name string, input []int, kernel, stride, dilation, group, outputPadding int, pads ...int) definition {
	axes := len(input) - 2
	return definition{name: named("convtranspose", name, input), mode: plan.Train, input: input, op: "ConvTranspose",
		parameters: []network.Parameter{weight("op.weight", append([]int{input[1], 6 / group}, alike(kernel, axes)...)...), parameter("op.bias", 0.3, 6)},
		attributes: with(window(kernel, stride, pads...), network.Attributes{"dilations": alike(dilation, axes), "group": group,
			"output_padding": alike(outputPadding, axes)})}
}

func transposed() []definition {
	plain := transpose("no-bias", image, 2, 2, 1, 1, 0, 0, 0, 0, 0)
	plain.parameters = plain.parameters[:1]
	return []definition{
		plain,
		transpose("2x2-stride2", image, 2, 2, 1, 1, 0, 0, 0, 0, 0),
		transpose("3x3-stride2", image, 3, 2, 1, 1, 1, 1, 1, 1, 1),
		transpose("3x3-groups", image, 3, 1, 1, 2, 0, 1, 1, 1, 1),
		transpose("3x3-dilated", image, 3, 1, 2, 1, 0, 1, 1, 1, 1),
		transpose("pads-all-different", image, 4, 2, 1, 1, 0, 0, 1, 2, 1),
	}
}

func normalizations() []definition {
	var all []definition
	for _, mode := range []plan.Mode{plan.Infer, plan.Train} {
		for _, c := range []struct{ epsilon, momentum float64 }{{1e-5, 0.9}, {1e-3, 0.9}, {1e-5, 0.7}} {
			norm := batchNorm(mode, []int{3, 4, 3, 5}, c.epsilon, c.momentum)
			norm.name = fmt.Sprintf("batchnorm/%s-eps%g-momentum%g", mode, c.epsilon, c.momentum)
			all = append(all, norm)
		}
		all = append(all, narrow(mode))
	}
	return all
}

func batchNorm(mode plan.Mode, input []int, epsilon, momentum float64) definition {
	c := input[1]
	return definition{mode: mode, input: input,
		op: "BatchNormalization", attributes: network.Attributes{"epsilon": epsilon, "momentum": momentum},
		parameters: []network.Parameter{
			uniform("op.weight", network.Trainable, 0.5, 1.5, c), uniform("op.bias", network.Trainable, -0.5, 0.5, c),
			uniform("op.running_mean", network.RunningMean, -0.5, 0.5, c), uniform("op.running_var", network.RunningVariance, 0.02, 0.5, c),
		}}
}

// narrow normalises what varies so little that epsilon shows in any precision:
// means of 400 values, with running variances to match.
func narrow(mode plan.Mode) definition {
	means := network.Node{Name: "means", Op: "GlobalAveragePool", Inputs: []string{"input"}, Output: "means", Attributes: network.Attributes{}}
	return definition{
		name: fmt.Sprintf("batchnorm/%s-narrow", mode), mode: mode, input: []int{8, 4, 20, 20}, inputs: []string{"means"}, before: []network.Node{means},
		op: "BatchNormalization", attributes: network.Attributes{"epsilon": 1e-5, "momentum": 0.9},
		parameters: []network.Parameter{
			uniform("op.weight", network.Trainable, 0.5, 1.5, 4), uniform("op.bias", network.Trainable, -0.5, 0.5, 4),
			uniform("op.running_mean", network.RunningMean, -0.02, 0.02, 4), uniform("op.running_var", network.RunningVariance, 0.0005, 0.002, 4),
		}}
}

func uniform(name string, role network.Role, low, high float64, shape ...int) network.Parameter {
	return network.Parameter{Name: name, Shape: shape, Role: role, Init: network.Init{Kind: "uniform", Low: low, High: high}}
}

func activations() []definition {
	simple := func(name, op string, a network.Attributes) definition {
		return definition{name: name, mode: plan.Train, input: image, op: op, attributes: a}
	}
	return []definition{
		simple("relu", "Relu", nil),
		simple("sigmoid", "Sigmoid", nil),
		simple("leakyrelu", "LeakyRelu", network.Attributes{"alpha": 0.1}),
		simple("leakyrelu/rising", "LeakyRelu", network.Attributes{"alpha": -0.3}),
		simple("hardsigmoid", "HardSigmoid", network.Attributes{"alpha": 0.2, "beta": 0.5}),
		simple("hardsigmoid/sixth", "HardSigmoid", network.Attributes{"alpha": 0.16666667, "beta": 0.5}),
		simple("hardswish", "HardSwish", nil),
		simple("gelu/erf", "Gelu", network.Attributes{"approximate": "none"}),
		simple("gelu/tanh", "Gelu", network.Attributes{"approximate": "tanh"}),
		simple("clip/relu6", "Clip", network.Attributes{"min": 0.0, "max": 6.0}),
		simple("clip/narrow", "Clip", network.Attributes{"min": -0.5, "max": 0.75}),
		simple("softmax/channels", "Softmax", network.Attributes{"axis": 1}),
		simple("softmax/columns", "Softmax", network.Attributes{"axis": 3}),
		simple("dropout/off", "Dropout", network.Attributes{"ratio": 0.5}),
		simple("lrn/alexnet", "LRN", network.Attributes{"alpha": 1e-4, "beta": 0.75, "bias": 1.0, "size": 5}),
		simple("lrn/strong", "LRN", network.Attributes{"alpha": 0.5, "beta": 0.75, "bias": 1.5, "size": 3}),
	}
}

// gates multiply what an operator made by an activation of it: a framework that
// keeps nothing in inference must not overwrite what is read again.
func gates() []definition {
	var all []definition
	for _, c := range []struct {
		op         string
		attributes network.Attributes
	}{
		{"Relu", network.Attributes{}},
		{"Sigmoid", network.Attributes{}},
		{"LeakyRelu", network.Attributes{"alpha": 0.1}},
		{"HardSigmoid", network.Attributes{"alpha": 0.2, "beta": 0.5}},
		{"HardSwish", network.Attributes{}},
		{"Gelu", network.Attributes{"approximate": "none"}},
		{"Clip", network.Attributes{"min": 0.0, "max": 6.0}},
	} {
		all = append(all, definition{name: "mul/by-its-" + strings.ToLower(c.op), mode: plan.Infer, input: image, op: "Mul", inputs: []string{"made", "gate"},
			before: []network.Node{
				{Name: "made", Op: "Add", Inputs: []string{"input", "input"}, Output: "made", Attributes: network.Attributes{}},
				{Name: "gate", Op: c.op, Inputs: []string{"made"}, Output: "gate", Attributes: c.attributes},
			}})
	}
	return all
}

// slopes are trained: one for each channel, or one for all.
func slopes() []definition {
	prelu := func(name string, channels int) definition {
		return definition{name: "prelu/" + name, mode: plan.Train, input: image, op: "PRelu",
			parameters: []network.Parameter{uniform("op.weight", network.Trainable, 0.1, 0.4, channels, 1, 1)}}
	}
	// Of an operator's output, which a framework may overwrite, instead of the image.
	chained := prelu("after-an-operator", 4)
	chained.inputs = []string{"clipped"}
	chained.before = []network.Node{{Name: "clipped", Op: "Clip", Inputs: []string{"input"}, Output: "clipped", Attributes: network.Attributes{"min": -2.0, "max": 2.0}}}
	return []definition{prelu("channels", 4), prelu("one", 1), chained}
}

// layerNormalizations are over the channels of an image, whose axis is made the
// last, and over whole images.
func layerNormalizations() []definition {
	norm := func(name string, epsilon float64, axis int, shape ...int) definition {
		return definition{name: "layernorm/" + name, mode: plan.Train, input: image, op: "LayerNormalization",
			attributes: network.Attributes{"axis": axis, "epsilon": epsilon},
			parameters: []network.Parameter{uniform("op.weight", network.Trainable, 0.5, 1.5, shape...), uniform("op.bias", network.Trainable, -0.5, 0.5, shape...)}}
	}
	last := network.Node{Name: "last", Op: "Transpose", Inputs: []string{"input"}, Output: "last", Attributes: network.Attributes{"perm": []int{0, 2, 3, 1}}}
	channels := norm("channels", 1e-6, 3, 4)
	wide := norm("channels-eps0.1", 0.1, 3, 4)
	for _, d := range []*definition{&channels, &wide} {
		d.inputs, d.before = []string{"last"}, []network.Node{last}
	}
	return []definition{channels, wide, norm("image", 1e-5, 1, 4, 9, 8)}
}

// layouts are what moves elements and computes nothing.
func layouts() []definition {
	apart := network.Node{Name: "apart", Op: "Reshape", Inputs: []string{"input"}, Output: "apart", Attributes: network.Attributes{"shape": []int{0, 2, 2, 9, 8}}}
	shuffled := network.Node{Name: "shuffled", Op: "Transpose", Inputs: []string{"apart"}, Output: "shuffled", Attributes: network.Attributes{"perm": []int{0, 2, 1, 3, 4}}}
	simple := func(name, op string, a network.Attributes) definition {
		return definition{name: name, mode: plan.Train, input: image, op: op, attributes: a}
	}
	shuffle := simple("reshape/channel-shuffle", "Reshape", network.Attributes{"shape": []int{0, 4, 9, 8}})
	shuffle.inputs, shuffle.before = []string{"shuffled"}, []network.Node{apart, shuffled}
	return []definition{
		shuffle,
		simple("transpose/channels-last", "Transpose", network.Attributes{"perm": []int{0, 2, 3, 1}}),
		simple("transpose/columns-first", "Transpose", network.Attributes{"perm": []int{0, 3, 1, 2}}),
		simple("slice/first-channels", "Slice", network.Attributes{"axis": 1, "start": 0, "end": 2}),
		simple("slice/last-channels", "Slice", network.Attributes{"axis": 1, "start": 1, "end": 4}),
		simple("slice/rows", "Slice", network.Attributes{"axis": 2, "start": 2, "end": 7}),
	}
}

func maxPool(name string, input []int, kernel, stride, ceil int, pads ...int) definition {
	return definition{name: named("maxpool", name, input), mode: plan.Train, input: input, op: "MaxPool",
		attributes: with(window(kernel, stride, pads...), network.Attributes{"dilations": alike(1, len(input)-2), "ceil_mode": ceil})}
}

func averagePool(name string, input []int, kernel, stride, ceil, counted int, pads ...int) definition {
	return definition{name: named("averagepool", name, input), mode: plan.Train, input: input, op: "AveragePool",
		attributes: with(window(kernel, stride, pads...), network.Attributes{"ceil_mode": ceil, "count_include_pad": counted})}
}

func pools() []definition {
	return []definition{
		maxPool("2x2", image, 2, 2, 0, 0, 0, 0, 0),
		maxPool("3x3-stride2-pad1", image, 3, 2, 0, 1, 1, 1, 1),
		maxPool("3x3-stride2-floor", image, 3, 2, 0, 0, 0, 0, 0),
		maxPool("3x3-stride2-ceil", image, 3, 2, 1, 0, 0, 0, 0),
		maxPool("pads-bottom-right", image, 3, 2, 0, 0, 0, 1, 1),
		maxPool("pads-top-left", image, 3, 2, 0, 1, 1, 0, 0),
		{name: "maxpool/dilated", mode: plan.Train, input: image, op: "MaxPool", attributes: with(window(2, 1, 0, 0, 0, 0),
			network.Attributes{"dilations": []int{2, 2}, "ceil_mode": 0})},
		averagePool("2x2", image, 2, 2, 0, 0, 0, 0, 0, 0),
		averagePool("3x3-stride2-uncounted", image, 3, 2, 0, 0, 1, 1, 1, 1),
		averagePool("3x3-stride2-counted", image, 3, 2, 0, 1, 1, 1, 1, 1),
		averagePool("pads-bottom-right-uncounted", image, 3, 2, 0, 0, 0, 0, 1, 1),
		averagePool("3x3-ceil-uncounted", image, 3, 2, 1, 0, 0, 0, 0, 0),
		averagePool("3x3-ceil-counted", image, 3, 2, 1, 1, 1, 1, 1, 1),
		{name: "globalaveragepool", mode: plan.Train, input: image, op: "GlobalAveragePool"},
	}
}

func binary() []definition {
	// other is a second activation of the same shape, gate one of [N C 1 1].
	other := network.Node{Name: "other", Op: "Relu", Inputs: []string{"input"}, Output: "other", Attributes: network.Attributes{}}
	gate := network.Node{Name: "gate", Op: "GlobalAveragePool", Inputs: []string{"input"}, Output: "gate", Attributes: network.Attributes{}}
	two := func(name, op, second string, before network.Node, a network.Attributes) definition {
		return definition{name: name, mode: plan.Train, input: image, op: op, attributes: a, inputs: []string{"input", second}, before: []network.Node{before}}
	}
	return []definition{
		two("add", "Add", "other", other, nil),
		two("add/broadcast", "Add", "gate", gate, nil),
		two("mul", "Mul", "other", other, nil),
		two("mul/squeeze-excite", "Mul", "gate", gate, nil),
		{name: "add/parameter", mode: plan.Train, input: image, op: "Add", parameters: []network.Parameter{parameter("op.weight", 0.3, 4, 1, 1)}},
		{name: "mul/parameter", mode: plan.Train, input: image, op: "Mul", parameters: []network.Parameter{uniform("op.weight", network.Trainable, 0.5, 1.5, 4, 1, 1)}},
		two("concat", "Concat", "other", other, network.Attributes{"axis": 1}),
		{name: "concat/three-parts", mode: plan.Train, input: image, op: "Concat", attributes: network.Attributes{"axis": 1},
			inputs: []string{"other", "input", "other2"}, before: []network.Node{other,
				{Name: "other2", Op: "Relu", Inputs: []string{"other"}, Output: "other2", Attributes: network.Attributes{}}}},
	}
}

func resize(name string, input []int, mode, transform string, scales ...int) definition {
	return definition{name: "resize/" + name, mode: plan.Train, input: input, op: "Resize",
		attributes: network.Attributes{"mode": mode, "scales": scales, "coordinate_transformation_mode": transform, "nearest_mode": "floor"}}
}

func others() []definition {
	flatten := network.Node{Name: "flat", Op: "Flatten", Inputs: []string{"input"}, Output: "flat", Attributes: network.Attributes{"axis": 1}}
	return []definition{
		resize("nearest", image, "nearest", "asymmetric", 2, 3),
		resize("linear", image, "linear", "half_pixel", 2, 2),
		resize("linear-oblong", image, "linear", "half_pixel", 3, 2),
		{name: "gemm/after-flatten", mode: plan.Train, input: image, op: "Gemm", flat: true, inputs: []string{"flat"}, before: []network.Node{flatten},
			attributes: network.Attributes{"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 1},
			parameters: []network.Parameter{weight("op.weight", 7, 4*9*8), parameter("op.bias", 0.3, 7)}},
		{name: "gemm/no-bias", mode: plan.Train, input: image, op: "Gemm", flat: true, inputs: []string{"flat"}, before: []network.Node{flatten},
			attributes: network.Attributes{"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 1},
			parameters: []network.Parameter{weight("op.weight", 7, 4*9*8)}},
		{name: "gemm/square", mode: plan.Train, input: []int{3, 6, 1, 1}, op: "Gemm", flat: true, inputs: []string{"flat"}, before: []network.Node{flatten},
			attributes: network.Attributes{"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 1},
			parameters: []network.Parameter{weight("op.weight", 6, 6), parameter("op.bias", 0.3, 6)}},
	}
}
