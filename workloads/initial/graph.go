package initial

import "github.com/dlbench/dlbench/workloads/network"

// graph is a network with what its nodes have before and behind them. All of it
// is found in one pass over the nodes for each direction: a hostile file may
// have very many.
type graph struct {
	net        *network.Network
	parameters map[string]int // name → index
	makers     map[string]int // activation → the node that makes it
	depth      []int          // of a node: weighted layers on the longest way from the input to its output
	last       []int          // of a node: the layer that sets the scale of its output, itself included; -1 if there is no single one
	means      []bool         // of a node: its output is made of means over whole images
	after      []after        // of a node: what its output comes to
	kept       []float64      // of a node: the mean square of its output, against what a rectifier makes of its kind of input
}

// after is what an activation meets before the next weighted layer.
type after struct {
	normalised bool    // a layer that sets the scale anew
	gain       float64 // that the first curve wants; 0 if there is none
}

func survey(net *network.Network) *graph {
	nodes := len(net.Nodes)
	g := &graph{net: net, parameters: map[string]int{}, makers: map[string]int{},
		depth: make([]int, nodes), last: make([]int, nodes), means: make([]bool, nodes), after: make([]after, nodes), kept: make([]float64, nodes)}
	for k, p := range net.Parameters {
		g.parameters[p.Name] = k
	}
	for k := range net.Nodes {
		g.makers[net.Nodes[k].Output] = k
		g.lookBack(k)
	}
	for k := nodes - 1; k >= 0; k-- {
		g.lookAhead(k)
	}
	return g
}

// shape of a parameter.
func (g *graph) shape(parameter string) []int {
	return g.net.Parameters[g.parameters[parameter]].Shape
}

func (g *graph) parametersOf(n *network.Node) []string {
	for k, name := range n.Inputs {
		if _, ok := g.parameters[name]; ok {
			return n.Inputs[k:] // they come last
		}
	}
	return nil
}

// sources are the nodes that make a node's activations; the network's input is
// made by none, -1.
func (g *graph) sources(n *network.Node) []int {
	var out []int
	for _, name := range n.Inputs {
		if _, ok := g.parameters[name]; ok {
			break
		}
		at, ok := g.makers[name]
		if !ok {
			at = -1
		}
		out = append(out, at)
	}
	return out
}

func weighted(op string) bool { return op == "Conv" || op == "ConvTranspose" || op == "Gemm" }

func normalising(op string) bool {
	return op == "BatchNormalization" || op == "InstanceNormalization" || op == "LayerNormalization"
}

func (g *graph) lookBack(k int) {
	n := &g.net.Nodes[k]
	sources := g.sources(n)
	g.means[k] = true
	for _, s := range sources {
		g.depth[k] = max(g.depth[k], g.deep(s))
		g.means[k] = g.means[k] && s >= 0 && g.means[s]
	}
	g.means[k] = g.means[k] || n.Op == "GlobalAveragePool"
	g.last[k] = g.lastOf(k, n, sources)
	g.kept[k] = g.keptOf(n, sources)
	if weighted(n.Op) {
		g.depth[k]++
	}
}

func (g *graph) lastOf(k int, n *network.Node, sources []int) int {
	switch {
	case weighted(n.Op), normalising(n.Op), n.Op == "Mul" && len(sources) == 1:
		return k
	case n.Op == "Mul":
		if at := g.gated(sources); at >= 0 {
			return g.last[at]
		}
		return -1
	case n.Op == "Concat", len(sources) != 1, sources[0] < 0: // an Add has its own branch
		return -1
	}
	return g.last[sources[0]]
}

// gated is what a product's gate multiplies, -1 if no side is a gate.
func (g *graph) gated(sources []int) int {
	for k, s := range sources {
		if s >= 0 && gate(g.net.Nodes[s].Op) && len(sources) == 2 {
			return sources[1-k]
		}
	}
	return -1
}

func gate(op string) bool { return op == "Sigmoid" || op == "HardSigmoid" }

// branchEnds are the last layers of residual branches. A branch is the deeper
// of an addition's sides: the other is the trunk, or a projection of it.
func (g *graph) branchEnds() map[int]bool {
	ends := map[int]bool{}
	for k := range g.net.Nodes {
		n := &g.net.Nodes[k]
		sides := g.sources(n)
		if n.Op != "Add" || len(sides) != 2 {
			continue
		}
		if g.deep(sides[0]) < g.deep(sides[1]) {
			sides[0], sides[1] = sides[1], sides[0]
		}
		if g.deep(sides[0]) > g.deep(sides[1]) && g.last[sides[0]] >= 0 {
			ends[g.last[sides[0]]] = true
		}
	}
	return ends
}

func (g *graph) deep(at int) int {
	if at < 0 {
		return 0
	}
	return g.depth[at]
}
