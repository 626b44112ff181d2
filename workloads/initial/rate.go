package initial

import (
	"slices"

	"github.com/dlbench/dlbench/workloads/network"
)

// The learning rates leave ten steps on two images well-conditioned: a millionth
// part of every weight moves the losses by less than 1e-4 of themselves.
// (MobileNet v1, ShuffleNet v2 and DenseNet-121 start to diverge at 1e-3,
// AlexNet, GoogLeNet and SqueezeNet at 1e-4: nothing bounds what a large image's
// activations come to there.)
const (
	normalizedRate = 1e-4
	plainRate      = 1e-5
)

// LearningRate is what a network is trained with, if nothing was chosen for it.
func LearningRate(net *network.Network) float64 {
	normalizes := func(n network.Node) bool {
		return n.Op == "BatchNormalization" || n.Op == "LayerNormalization"
	}
	if slices.ContainsFunc(net.Nodes, normalizes) {
		return normalizedRate
	}
	return plainRate
}
