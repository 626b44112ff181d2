package initial

import (
	"slices"

	"github.com/dlbench/dlbench/workloads/network"
)

// At these rates ten steps on two images stay well-conditioned: the losses of
// MobileNet v1 and SqueezeNet had a spread beyond what any runner may be off by
// at 1e-3 (docs/parity.md). Without a normalisation nothing bounds activations
// and their gradients.
const (
	normalizedRate = 1e-4
	plainRate      = 1e-5
)

// LearningRate is what a network is trained with, if nothing was chosen for it.
func LearningRate(net *network.Network) float64 {
	if slices.ContainsFunc(net.Nodes, func(n network.Node) bool { return normalising(n.Op) }) {
		return normalizedRate
	}
	return plainRate
}
