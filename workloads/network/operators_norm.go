package network

import "fmt"

// batchNormalization is ONNX BatchNormalization over axis 1:
// https://onnx.ai/onnx/operators/onnx__BatchNormalization.html. The parameters
// are scale, bias, running mean and running variance, one value a channel.
// running ← momentum·running + (1 − momentum)·batch; epsilon is added to the
// variance under the root. The plan's mode says whether the batch's statistics
// (train) or the running ones (infer) normalise.
var batchNormalization = operator{
	attributes: []attribute{
		{"epsilon", positive},
		{"momentum", float(0, 1)},
	},
	inputs:     arity{1, 1},
	parameters: []Role{Trainable, Trainable, RunningMean, RunningVariance},
	infer: func(a application) ([]int, error) {
		x := a.activations[0]
		if err := spatial(x); err != nil {
			return nil, err
		}
		return x, vectors(a.parameters, x[1], "scale", "bias", "mean", "variance")
	},
}

// instanceNormalization is ONNX InstanceNormalization: each channel of each image
// by its own mean and biased variance over all spatial axes, in both modes alike.
// https://onnx.ai/onnx/operators/onnx__InstanceNormalization.html
var instanceNormalization = operator{
	attributes: []attribute{{"epsilon", positive}},
	inputs:     arity{1, 1},
	parameters: []Role{Trainable, Trainable},
	infer: func(a application) ([]int, error) {
		x := a.activations[0]
		if err := spatial(x); err != nil {
			return nil, err
		}
		return x, vectors(a.parameters, x[1], "scale", "bias")
	},
}

// lrn is ONNX LRN, across channels of an image:
// y = x / (bias + alpha/size · Σ x²)^beta, the sum over size channels around x.
// https://onnx.ai/onnx/operators/onnx__LRN.html
var lrn = operator{
	attributes: []attribute{
		{"alpha", positive},
		{"beta", positive},
		{"bias", positive},
		{"size", integer(1, MaxExtent)},
	},
	inputs: arity{1, 1},
	infer: func(a application) ([]int, error) {
		if size := a.attributes.Int("size"); size%2 == 0 {
			return nil, fmt.Errorf("attribute \"size\": %d, wants an odd number so that the window has a middle", size)
		}
		x := a.activations[0]
		if len(x) != 4 {
			return nil, fmt.Errorf("input is %v, wants [N C H W]", x)
		}
		return x, nil
	},
}
