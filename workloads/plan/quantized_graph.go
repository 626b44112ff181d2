package plan

import (
	"slices"

	"github.com/dlbench/dlbench/workloads/network"
)

// graph is who makes and who reads the activations of a network: by it is decided
// which of them are quantised.
type graph struct {
	net     *network.Network
	nodes   map[string]network.Node
	makers  map[string]network.Node // activation → the node that makes it
	readers map[string][]network.Node
	params  map[string]bool
}

func graphOf(net *network.Network) *graph {
	g := &graph{net: net, nodes: map[string]network.Node{}, makers: map[string]network.Node{}, readers: map[string][]network.Node{}, params: map[string]bool{}}
	for _, p := range net.Parameters {
		g.params[p.Name] = true
	}
	for _, n := range net.Nodes {
		g.nodes[n.Name], g.makers[n.Output] = n, n
		for _, name := range n.Inputs {
			if !g.params[name] {
				g.readers[name] = append(g.readers[name], n)
			}
		}
	}
	return g
}

// activations are the input and the outputs of all nodes, in order.
func (g *graph) activations() []string {
	names := []string{g.net.Input.Name}
	for _, n := range g.net.Nodes {
		names = append(names, n.Output)
	}
	return names
}

// quantised says whether an activation is: what a whole operator reads or makes, but
// never the logits. Where a rectifier is all that reads it, the rectifier's output is
// quantised instead, because both are computed as one.
func (g *graph) quantised(name string) bool {
	if name == g.net.Outputs[0] || g.settled(name) != name {
		return false
	}
	if slices.ContainsFunc(g.readers[name], func(n network.Node) bool { return g.product(n) || g.joins(n) }) {
		return true
	}
	maker, made := g.makers[name]
	if made && rectifies(maker) && g.settled(maker.Inputs[0]) == name {
		maker, made = g.makers[maker.Inputs[0]]
	}
	return made && (g.product(maker) || g.joins(maker))
}

// settled is the activation that stands for another one: itself, or what a rectifier
// that is all that reads it makes of it.
func (g *graph) settled(name string) string {
	readers := g.readers[name]
	if len(readers) == 1 && rectifies(readers[0]) && !slices.Contains(g.net.Outputs, name) {
		return readers[0].Output
	}
	return name
}

func rectifies(n network.Node) bool {
	return n.Op == "Relu" || n.Op == "Clip" && n.Attributes.Float("min") == 0
}

// product says whether a node multiplies whole numbers. A convolution that makes the
// logits, which are float32, does not: ONNX Runtime has none with such an output.
func (g *graph) product(n network.Node) bool {
	switch n.Op {
	case "Conv":
		return g.settled(n.Output) != g.net.Outputs[0]
	case "Gemm":
		return n.Attributes.Float("alpha") == 1 && n.Attributes.Float("beta") == 1
	}
	return false
}

// joins says whether a node takes several activations in whole numbers.
func (g *graph) joins(n network.Node) bool {
	return n.Op == "Concat" || n.Op == "Add" && !g.params[n.Inputs[1]]
}
