package cases

import (
	"fmt"

	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/plan"
)

// What networks for medical images use beside the others': volumes, instance
// norms, and the losses of pixels and of several findings.

var volume = []int{2, 4, 5, 7, 6} // three extents, so that no two axes can be taken for one another

func cube(kernel, stride int, pads ...int) network.Attributes {
	return network.Attributes{"kernel_shape": []int{kernel, kernel, kernel}, "strides": []int{stride, stride, stride}, "pads": pads}
}

func even(pad int) []int { return []int{pad, pad, pad, pad, pad, pad} }

func volumes() []definition {
	conv := func(name string, out, kernel, stride, dilation, group int, bias bool, pads ...int) definition {
		params := []network.Parameter{weight("op.weight", out, volume[1]/group, kernel, kernel, kernel)}
		if bias {
			params = append(params, parameter("op.bias", 0.3, out))
		}
		return definition{name: "conv3d/" + name, mode: plan.Train, input: volume, op: "Conv", parameters: params,
			attributes: with(cube(kernel, stride, pads...), network.Attributes{"dilations": []int{dilation, dilation, dilation}, "group": group})}
	}
	flat := conv("1x3x3", 6, 3, 1, 1, 1, true, 0, 1, 1, 0, 1, 1) // nnU-Net's kernel of thick slices
	flat.attributes["kernel_shape"], flat.attributes["strides"] = []int{1, 3, 3}, []int{1, 2, 2}
	flat.parameters[0] = weight("op.weight", 6, 4, 1, 3, 3)
	oblong := conv("all-different", 6, 3, 1, 1, 1, true, 0, 1, 2, 1, 2, 0)
	oblong.attributes["kernel_shape"], oblong.attributes["strides"] = []int{2, 3, 4}, []int{1, 2, 1}
	oblong.parameters[0] = weight("op.weight", 6, 4, 2, 3, 4)
	all := []definition{
		conv("3x3x3", 6, 3, 1, 1, 1, false, even(1)...),
		conv("3x3x3-bias", 6, 3, 1, 1, 1, true, even(1)...),
		conv("3x3x3-stride2", 6, 3, 2, 1, 1, false, even(1)...),
		conv("7x7x7-stride2", 5, 7, 2, 1, 1, false, even(3)...),
		conv("1x1x1-bias", 6, 1, 1, 1, 1, true, even(0)...),
		conv("1x1x1-stride2", 6, 1, 2, 1, 1, false, even(0)...),
		conv("groups", 6, 3, 1, 1, 2, false, even(1)...),
		conv("dilated", 6, 3, 1, 2, 1, false, even(2)...),
		flat, oblong,
	}
	return append(all, append(transposedVolumes(), normalizedVolumes()...)...)
}

func transposedVolumes() []definition {
	transpose := func(name string, kernel, stride, padding int, pads ...int) definition {
		return definition{name: "convtranspose3d/" + name, mode: plan.Train, input: []int{1, 4, 3, 5, 4}, op: "ConvTranspose",
			parameters: []network.Parameter{weight("op.weight", 4, 6, kernel, kernel, kernel), parameter("op.bias", 0.3, 6)},
			attributes: with(cube(kernel, stride, pads...), network.Attributes{"dilations": []int{1, 1, 1}, "group": 1,
				"output_padding": []int{padding, padding, padding}})}
	}
	plain := transpose("no-bias", 2, 2, 0, even(0)...)
	plain.parameters = plain.parameters[:1]
	flat := transpose("1x2x2", 2, 2, 0, even(0)...)
	flat.attributes["kernel_shape"], flat.attributes["strides"] = []int{1, 2, 2}, []int{1, 2, 2}
	flat.parameters[0] = weight("op.weight", 4, 6, 1, 2, 2)
	return []definition{
		transpose("2x2x2-stride2", 2, 2, 0, even(0)...),
		transpose("3x3x3-stride2", 3, 2, 1, even(1)...),
		plain, flat,
	}
}

func normalizedVolumes() []definition {
	pool := func(name, op string, kernel, stride, pad int, more network.Attributes) definition {
		return definition{name: name, mode: plan.Train, input: volume, op: op, attributes: with(cube(kernel, stride, even(pad)...), more)}
	}
	max := network.Attributes{"dilations": []int{1, 1, 1}, "ceil_mode": 0}
	average := func(counted int) network.Attributes {
		return network.Attributes{"ceil_mode": 0, "count_include_pad": counted}
	}
	other := network.Node{Name: "other", Op: "Relu", Inputs: []string{"input"}, Output: "other", Attributes: network.Attributes{}}
	all := []definition{
		pool("maxpool3d/2x2x2", "MaxPool", 2, 2, 0, max),
		pool("maxpool3d/3x3x3-stride2-pad1", "MaxPool", 3, 2, 1, max),
		pool("averagepool3d/2x2x2", "AveragePool", 2, 2, 0, average(0)),
		pool("averagepool3d/3x3x3-counted", "AveragePool", 3, 2, 1, average(1)),
		{name: "globalaveragepool3d", mode: plan.Train, input: volume, op: "GlobalAveragePool"},
		{name: "relu3d", mode: plan.Train, input: volume, op: "Relu"},
		{name: "leakyrelu3d", mode: plan.Train, input: volume, op: "LeakyRelu", attributes: network.Attributes{"alpha": 0.01}},
		{name: "add3d", mode: plan.Train, input: volume, op: "Add", inputs: []string{"input", "other"}, before: []network.Node{other}},
		{name: "concat3d", mode: plan.Train, input: volume, op: "Concat", inputs: []string{"other", "input"}, before: []network.Node{other},
			attributes: network.Attributes{"axis": 1}},
		resize("nearest3d", volume, "nearest", "asymmetric", 2, 1, 3),
		resize("linear3d", volume, "linear", "half_pixel", 2, 2, 2),
	}
	for _, mode := range []plan.Mode{plan.Infer, plan.Train} {
		norm := batchNorm(mode, volume, 1e-5, 0.9)
		norm.name = fmt.Sprintf("batchnorm3d/%s", mode)
		all = append(all, norm)
	}
	return all
}

func instanceNormalizations() []definition {
	norm := func(name string, input []int, epsilon float64) definition {
		return definition{name: "instancenorm/" + name, mode: plan.Train, input: input, op: "InstanceNormalization",
			attributes: network.Attributes{"epsilon": epsilon},
			parameters: []network.Parameter{uniform("op.weight", network.Trainable, 0.5, 1.5, 4), uniform("op.bias", network.Trainable, -0.5, 0.5, 4)}}
	}
	few := norm("few-pixels", []int{3, 4, 2, 3}, 1e-5) // whose biased variance is far from the unbiased one
	return []definition{norm("image", image, 1e-5), norm("eps0.1", image, 0.1), few, norm("volume", volume, 1e-5)}
}

// losses read logits that a convolution makes of an activation.
func losses() []definition {
	pixels := func(name string, input []int, loss string, batch bool) definition {
		return definition{name: "loss/" + name, mode: plan.Train, input: input, op: "Sigmoid", pixels: true, loss: loss, diceBatch: batch}
	}
	return []definition{
		pixels("pixels", image, "", false),
		pixels("pixels-volume", volume, "", false),
		pixels("dice-batch", image, network.DiceCrossEntropy, true),
		pixels("dice-images", image, network.DiceCrossEntropy, false),
		pixels("dice-batch-volume", volume, network.DiceCrossEntropy, true),
		pixels("dice-images-volume", volume, network.DiceCrossEntropy, false),
		{name: "loss/sigmoid", mode: plan.Train, input: image, op: "GlobalAveragePool", loss: network.SigmoidCrossEntropy},
	}
}
