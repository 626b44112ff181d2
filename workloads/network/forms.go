package network

import (
	"fmt"
	"slices"
)

// Needs lists, for each node, what a runner must have to compute it: the
// operator, and the form of it that not every framework has.
//
// A runner names forms beside operators: "Mul" is of two activations,
// "Mul.parameter" of an activation and a parameter; "Gemm" has a bias,
// "Gemm.nobias" has none; "Conv" is of images, "Conv.3d" of volumes.
func (n *Network) Needs() []Need {
	parameters := map[string]bool{}
	for _, p := range n.Parameters {
		parameters[p.Name] = true
	}
	needs := make([]Need, len(n.Nodes))
	volumes := map[string]bool{n.Input.Name: len(n.Input.Shape) == 5}
	for i, node := range n.Nodes {
		needs[i] = Need{Node: node.Name, Operator: node.Op + form(node, parameters, volumes[node.Inputs[0]])}
		volumes[node.Output] = len(node.Shape) == 5
	}
	return needs
}

// FormQuantized is what a runner must have that takes graphs in whole numbers: ONNX's
// operator at their edges.
const FormQuantized = "QuantizeLinear"

// Need is what one node needs, or the loss.
type Need struct {
	Node     string // empty: the loss
	Operator string
}

// String names the node and what it needs.
func (n Need) String() string {
	if n.Node == "" {
		return "loss " + n.Operator
	}
	return fmt.Sprintf("node %q: operator %s", n.Node, n.Operator)
}

// overVolumes are the operators whose form for volumes not every framework has.
var overVolumes = []string{
	"AveragePool", "BatchNormalization", "Conv", "ConvTranspose", "GlobalAveragePool", "InstanceNormalization", "MaxPool", "Resize",
}

// HasVolumes says whether an operator has such a form.
func HasVolumes(op string) bool { return slices.Contains(overVolumes, op) }

func form(n Node, parameters map[string]bool, volume bool) string {
	given := slices.ContainsFunc(n.Inputs, func(name string) bool { return parameters[name] })
	switch {
	case (n.Op == "Add" || n.Op == "Mul") && given:
		return ".parameter"
	case n.Op == "Gemm" && len(n.Inputs) == 2:
		return ".nobias"
	case volume && HasVolumes(n.Op):
		return ".3d"
	}
	return ""
}

// Forms lists the operators and forms that a network may need, and the losses that
// it may be trained by, sorted.
func Forms() []string {
	list := append(Operators(), "Add.parameter", "Gemm.nobias", "Mul.parameter", FormQuantized, formPixels, formDice, formSigmoid)
	for _, op := range overVolumes {
		list = append(list, op+".3d")
	}
	slices.Sort(list)
	return list
}
