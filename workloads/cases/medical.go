package cases

import (
	"fmt"

	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/plan"
)

// What networks for medical images use beside the others': volumes, instance
// norms, and the losses of pixels and of several findings.

var volume = []int{2, 4, 5, 7, 6} // three extents, so that no two axes can be taken for one another

// even pads all sides of a volume alike.
func even(pad int) []int { return alike(pad, 6) }

func volumes() []definition {
	flat := conv("1x3x3", volume, 6, 3, 1, 1, 1, true, 0, 1, 1, 0, 1, 1) // nnU-Net's kernel of thick slices
	flat.attributes["kernel_shape"], flat.attributes["strides"] = []int{1, 3, 3}, []int{1, 2, 2}
	flat.parameters[0] = weight("op.weight", 6, 4, 1, 3, 3)
	oblong := conv("all-different", volume, 6, 3, 1, 1, 1, true, 0, 1, 2, 1, 2, 0)
	oblong.attributes["kernel_shape"], oblong.attributes["strides"] = []int{2, 3, 4}, []int{1, 2, 1}
	oblong.parameters[0] = weight("op.weight", 6, 4, 2, 3, 4)
	all := []definition{
		conv("3x3x3", volume, 6, 3, 1, 1, 1, false, even(1)...),
		conv("3x3x3-bias", volume, 6, 3, 1, 1, 1, true, even(1)...),
		conv("3x3x3-stride2", volume, 6, 3, 2, 1, 1, false, even(1)...),
		conv("7x7x7-stride2", volume, 5, 7, 2, 1, 1, false, even(3)...),
		conv("1x1x1-bias", volume, 6, 1, 1, 1, 1, true, even(0)...),
		conv("1x1x1-stride2", volume, 6, 1, 2, 1, 1, false, even(0)...),
		conv("groups", volume, 6, 3, 1, 1, 2, false, even(1)...),
		conv("dilated", volume, 6, 3, 1, 2, 1, false, even(2)...),
		flat, oblong,
	}
	return append(all, append(transposedVolumes(), normalizedVolumes()...)...)
}

func transposedVolumes() []definition {
	small := []int{1, 4, 3, 5, 4}
	plain := transpose("no-bias", small, 2, 2, 1, 1, 0, even(0)...)
	plain.parameters = plain.parameters[:1]
	flat := transpose("1x2x2", small, 2, 2, 1, 1, 0, even(0)...)
	flat.attributes["kernel_shape"], flat.attributes["strides"] = []int{1, 2, 2}, []int{1, 2, 2}
	flat.parameters[0] = weight("op.weight", 4, 6, 1, 2, 2)
	return []definition{
		transpose("2x2x2-stride2", small, 2, 2, 1, 1, 0, even(0)...),
		transpose("3x3x3-stride2", small, 3, 2, 1, 1, 1, even(1)...),
		plain, flat,
	}
}

func normalizedVolumes() []definition {
	other := network.Node{Name: "other", Op: "Relu", Inputs: []string{"input"}, Output: "other", Attributes: network.Attributes{}}
	all := []definition{
		maxPool("2x2x2", volume, 2, 2, 0, even(0)...),
		maxPool("3x3x3-stride2-pad1", volume, 3, 2, 0, even(1)...),
		averagePool("2x2x2", volume, 2, 2, 0, 0, even(0)...),
		averagePool("3x3x3-counted", volume, 3, 2, 0, 1, even(1)...),
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
