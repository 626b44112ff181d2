// Package initial says how the first values of a network's parameters are
// drawn, by what each does in the graph: the zoo's networks and those of files
// start by one rule.
//
// A network at its random start has to be well-conditioned, or rounding grows
// until honest frameworks disagree and parity tells nothing. And nothing is 0 or
// 1 exactly, so that a runner that ignores a parameter cannot pass it.
package initial

import (
	"math"

	"github.com/dlbench/dlbench/workloads/network"
)

// damped is what the last layer of a residual branch is multiplied by: small
// branches keep a deep network well-conditioned at its random start.
const damped = 0.1

// Draw says for every parameter how it is drawn. The network's nodes are in
// order, and have the inputs and the attributes that their operators want.
func Draw(net *network.Network) {
	g := survey(net)
	ends := g.branchEnds()
	for k := range net.Nodes {
		for _, p := range g.drawn(k, ends[k]) {
			if at, ok := g.parameters[p.name]; ok {
				net.Parameters[at].Init = p.init
			}
		}
	}
}

type drawn struct {
	name string
	init network.Init
}

func normal(std float64) network.Init { return network.Init{Kind: "normal", Std: std} }

func uniform(low, high float64) network.Init {
	return network.Init{Kind: "uniform", Low: low, High: high}
}

var (
	bias  = normal(0.1)
	scale = uniform(0.8, 1.2)
	small = uniform(0.08, 0.12) // a damped scale
	slope = uniform(0.1, 0.4)   // of a PRelu
)

// drawn is how the parameters of a node are drawn. End says that it is the last
// layer of a residual branch.
func (g *graph) drawn(k int, end bool) []drawn {
	n := &g.net.Nodes[k]
	p := g.parametersOf(n)
	if len(p) == 0 {
		return nil
	}
	factor, scaled := 1.0, scale
	if end {
		factor, scaled = damped, small
	}
	weighted := func(gain, summed float64) []drawn {
		out := []drawn{{p[0], normal(factor * math.Sqrt(gain/math.Max(summed, 1)))}}
		if len(p) > 1 {
			out = append(out, drawn{p[1], bias})
		}
		return out
	}
	switch n.Op {
	case "Conv", "ConvTranspose":
		return weighted(g.gain(k), g.summed(n, p[0]))
	case "Gemm":
		return weighted(1, float64(g.shape(p[0])[1])) // LeCun et al. 1998, "Efficient backprop"
	case "BatchNormalization":
		return append(normalizes(p, end), drawn{p[2], uniform(-0.2, 0.2)}, drawn{p[3], uniform(1, 2)})
	case "InstanceNormalization":
		return normalizes(p, end)
	case "LayerNormalization":
		return []drawn{{p[0], scaled}, {p[1], bias}}
	case "PRelu":
		return []drawn{{p[0], slope}}
	case "Mul":
		return []drawn{{p[0], scaled}}
	}
	return []drawn{{p[0], bias}} // of an Add
}

// normalizes has scales around one and shifts around one half.
//
// The last of a residual branch has a small scale, and shifts around zero keep
// the trunk from growing by one half a block. Growth would leave the logits
// nearly the same for every image, and no rectifier of the last blocks ever
// off, so that some gradients vanish (ResNet-50: 2e-16 against 3e-3).
func normalizes(p []string, end bool) []drawn {
	scaled, shift := scale, uniform(0.4, 0.6)
	if end {
		scaled, shift = small, uniform(-0.1, 0.1)
	}
	return []drawn{{p[0], scaled}, {p[1], shift}}
}

// summed is how many products an element of a convolution's output is the sum
// of: in/group · kernel, of a transposed one those that its strides let meet.
func (g *graph) summed(n *network.Node, weight string) float64 {
	shape := g.shape(weight)
	summed := 1.0
	for _, extent := range shape[2:] {
		summed *= float64(extent)
	}
	if n.Op == "Conv" {
		return summed * float64(shape[1])
	}
	summed *= float64(shape[0]) / float64(n.Attributes.Int("group"))
	for _, stride := range n.Attributes.Ints("strides") {
		summed /= float64(stride)
	}
	return summed
}
