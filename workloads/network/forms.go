package network

import "slices"

// Needs lists, for each node, what a runner must have to compute it: the
// operator, and the form of it that not every framework has.
//
// A runner names forms beside operators: "Mul" is of two activations,
// "Mul.parameter" of an activation and a parameter; "Gemm" has a bias,
// "Gemm.nobias" has none.
func (n *Network) Needs() []Need {
	parameters := map[string]bool{}
	for _, p := range n.Parameters {
		parameters[p.Name] = true
	}
	needs := make([]Need, len(n.Nodes))
	for i, node := range n.Nodes {
		needs[i] = Need{Node: node.Name, Operator: node.Op + form(node, parameters)}
	}
	return needs
}

// Need is what one node needs.
type Need struct{ Node, Operator string }

func form(n Node, parameters map[string]bool) string {
	given := slices.ContainsFunc(n.Inputs, func(name string) bool { return parameters[name] })
	switch {
	case (n.Op == "Add" || n.Op == "Mul") && given:
		return ".parameter"
	case n.Op == "Gemm" && len(n.Inputs) == 2:
		return ".nobias"
	}
	return ""
}

// Forms lists the operators and forms that a network may need, sorted.
func Forms() []string {
	list := append(Operators(), "Add.parameter", "Gemm.nobias", "Mul.parameter")
	slices.Sort(list)
	return list
}
