package network

// What networks are trained by. A loss is no node of the graph: ONNX leaves it
// open, and so it is stated in the plan.
const (
	// SoftmaxCrossEntropy is the mean over all labels: one for each image, or one
	// for each of its pixels if the logits are an image again.
	SoftmaxCrossEntropy = "softmax_cross_entropy"
	// DiceCrossEntropy is the same of pixels, less the mean Dice of the classes
	// behind the first, the background: Isensee et al. 2021, "nnU-Net".
	DiceCrossEntropy = "dice_cross_entropy"
	// SigmoidCrossEntropy is the mean over images and classes, each of which an
	// image has or has not: Rajpurkar et al. 2017, "CheXNet".
	SigmoidCrossEntropy = "sigmoid_cross_entropy"
)

// Losses lists them.
func Losses() []string {
	return []string{SoftmaxCrossEntropy, DiceCrossEntropy, SigmoidCrossEntropy}
}

// The forms of losses that not every runner has.
const (
	formPixels  = "SoftmaxCrossEntropy.pixels"
	formDice    = "DiceCrossEntropy"
	formSigmoid = "SigmoidCrossEntropy"
)

// LossForm is what a runner must have to train logits of this shape by a loss;
// empty for cross-entropy of images, which all have that train.
func LossForm(loss string, logits []int) string {
	switch {
	case loss == DiceCrossEntropy:
		return formDice
	case loss == SigmoidCrossEntropy:
		return formSigmoid
	case len(logits) > 2:
		return formPixels
	}
	return ""
}
