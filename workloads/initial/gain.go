package initial

import "github.com/dlbench/dlbench/workloads/network"

// A layer's weights are drawn so that the mean square of its output is that of
// its input, as far as one can say without running the network: He et al. 2015,
// "Delving deep into rectifiers".

// rectified is the gain that a rectifier wants: it halves the mean square.
const rectified = 2.0

// gainOf is one over the mean square of what a curve makes of a standard normal
// number; 0 if the operator is no curve.
func gainOf(n *network.Node) float64 {
	switch n.Op {
	case "Relu", "Clip", "PRelu", "HardSwish", "Gelu", "Sigmoid", "HardSigmoid", "Mul":
		return rectified
	case "LeakyRelu":
		slope := n.Attributes.Float("alpha")
		return rectified / (1 + slope*slope)
	}
	return 0
}

// gain is a convolution's: that of the curve that follows it, 1 if none does
// before the next weighted layer. What nothing normalises afterwards makes up
// for what its input lost, too; the dense layers of a gate need not.
func (g *graph) gain(k int) float64 {
	n := &g.net.Nodes[k]
	behind := g.after[k]
	gain := behind.gain
	if behind.normalised {
		return rectified
	}
	if gain == 0 {
		gain = 1
	}
	if s := g.sources(n); s[0] >= 0 && !g.means[s[0]] {
		gain /= g.kept[s[0]]
	}
	return gain
}

// lookAhead finds what the outputs of the nodes before node k come to.
func (g *graph) lookAhead(k int) {
	n := &g.net.Nodes[k]
	sources := g.sources(n)
	if weighted(n.Op) || n.Op == "Softmax" {
		return
	}
	found := g.after[k]
	switch gain := gainOf(n); {
	case normalising(n.Op), n.Op == "Mul" && len(sources) == 1: // it has a scale of its own
		found = after{normalised: true}
	case gain > 0:
		found = after{gain: gain}
	}
	for _, s := range sources {
		if s < 0 {
			continue
		}
		g.after[s].normalised = g.after[s].normalised || found.normalised
		g.after[s].gain = max(g.after[s].gain, found.gain)
	}
}

// What curves keep of the mean square of standard normal numbers, against the
// half that a rectifier keeps; and a gate, which is near one half.
const (
	keptBySiLU      = 0.8
	keptByHardSwish = 0.8
	keptByGelu      = 0.9
	keptByGate      = 0.25
)

func (g *graph) keptOf(n *network.Node, sources []int) float64 {
	before := 1.0
	if len(sources) > 0 && sources[0] >= 0 {
		before = g.kept[sources[0]]
	}
	switch {
	case n.Op == "HardSwish":
		return keptByHardSwish
	case n.Op == "Gelu":
		return keptByGelu
	case n.Op == "Mul" && len(sources) == 2:
		at := g.gated(sources)
		if at < 0 {
			return 1
		}
		if g.ownGate(sources, at) {
			return keptBySiLU
		}
		return keptByGate * g.kept[at]
	case gainOf(n) > 0, weighted(n.Op), normalising(n.Op):
		return 1
	}
	return before
}

// ownGate says whether a product's gate is made of what it multiplies: x·σ(x).
func (g *graph) ownGate(sources []int, at int) bool {
	for _, s := range sources {
		if s == at || s < 0 || !gate(g.net.Nodes[s].Op) {
			continue
		}
		if from := g.sources(&g.net.Nodes[s]); from[0] == at {
			return true
		}
	}
	return false
}
