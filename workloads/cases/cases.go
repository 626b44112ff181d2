// Package cases holds the operator cases of parity's first layer: tiny networks
// around one operator each, small and well-conditioned, so that a wrong
// attribute shows at full size.
package cases

import (
	"fmt"
	"math"
	"slices"

	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/plan"
)

// Case is one operator with one combination of attributes.
type Case struct {
	Name string
	Plan *plan.Plan
	Zoo  bool // some network of the zoo uses the operator in this way
}

// Operators lists the operators that the case needs, sorted.
func (c Case) Operators() []string {
	var ops []string
	for _, n := range c.Plan.Network.Nodes {
		ops = append(ops, n.Op)
	}
	slices.Sort(ops)
	return slices.Compact(ops)
}

// seed is the cases' own: they are the same in every campaign.
const seed = 20260101

// All builds every case.
func All() ([]Case, error) {
	zoo, err := zooFeatures(true)
	if err != nil {
		return nil, err
	}
	var all []Case
	for _, d := range definitions() {
		built, err := d.build()
		if err != nil {
			return nil, fmt.Errorf("operator case %q: %w", d.name, err)
		}
		built.Zoo = within(built.features(), zoo)
		all = append(all, built)
	}
	return all, nil
}

// definition is a case before it is built: the operator under test reads
// "input" (and more activations, if add makes them) and its output goes
// through Flatten and Gemm to the logits, or through a convolution to logits of
// every pixel.
type definition struct {
	name       string
	mode       plan.Mode
	input      []int
	op         string
	attributes network.Attributes
	parameters []network.Parameter
	inputs     []string       // activations of the operator; "input" when empty
	before     []network.Node // nodes that make other activations
	flat       bool           // the operator's output is the logits' input as it is
	pixels     bool           // there are logits of every pixel
	loss       string         // empty: softmax cross-entropy
	diceBatch  bool
}

func (d definition) build() (Case, error) {
	inputs := d.inputs
	if inputs == nil {
		inputs = []string{"input"}
	}
	for _, p := range d.parameters {
		inputs = append(inputs, p.Name)
	}
	attributes := d.attributes
	if attributes == nil {
		attributes = network.Attributes{}
	}
	nodes := append(slices.Clone(d.before), network.Node{Name: "op", Op: d.op, Inputs: inputs, Output: "op", Attributes: attributes})
	features := "op"
	if !d.flat && !d.pixels {
		nodes = append(nodes, network.Node{Name: "flatten", Op: "Flatten", Inputs: []string{"op"}, Output: "flatten", Attributes: network.Attributes{"axis": 1}})
		features = "flatten"
	}
	net := &network.Network{Name: "case/" + d.name, Opset: network.Opset, Input: network.Value{Name: "input", Shape: d.input}, Nodes: nodes, Parameters: slices.Clone(d.parameters)}
	width, err := featuresOf(net, features)
	if err != nil {
		return Case{}, err
	}
	// Logits of about one: a softmax that saturates has gradients of nothing but
	// rounding.
	shape := []int{5, width}
	head := network.Node{Name: "head", Op: "Gemm", Inputs: []string{features, "head.weight", "head.bias"}, Output: "logits",
		Attributes: network.Attributes{"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 1}}
	if d.pixels {
		one := slices.Repeat([]int{1}, len(d.input)-2)
		shape, head.Op = append(shape, one...), "Conv"
		head.Attributes = network.Attributes{"kernel_shape": one, "strides": one, "dilations": one, "pads": make([]int, 2*len(one)), "group": 1}
	}
	net.Parameters = append(net.Parameters, weight("head.weight", shape...), parameter("head.bias", 0.3, 5))
	net.Nodes = append(net.Nodes, head)
	net.Outputs = []string{"logits", "op"}
	if err := net.Check(); err != nil {
		return Case{}, err
	}
	id := plan.ID{Network: net.Name, Mode: d.mode, Batch: d.input[0], Precision: plan.FP32}
	p := plan.From(net, id, seed, 0.01)
	p.TrainBy(d.loss, d.diceBatch)
	if p.Training != nil {
		p.Training.InputGradient = true
		if p.Training.Dice != nil {
			p.Training.Dice.Smooth = 1 // among so few pixels one that is left out shows
		}
	}
	return Case{Name: d.name, Plan: p}, nil
}

// featuresOf is the width of the activation that the head reads.
func featuresOf(net *network.Network, features string) (int, error) {
	probe := *net
	probe.Nodes = slices.Clone(net.Nodes)
	probe.Outputs = []string{features}
	if err := probe.Check(); err != nil {
		return 0, err
	}
	return probe.Nodes[len(probe.Nodes)-1].Shape[1], nil
}

// weight draws values that keep the size of what they multiply: its shape has
// the outputs first, and then all that is summed.
func weight(name string, shape ...int) network.Parameter {
	return parameter(name, 1/math.Sqrt(float64(network.Elements(shape[1:]))), shape...)
}

func parameter(name string, std float64, shape ...int) network.Parameter {
	return network.Parameter{Name: name, Shape: shape, Role: network.Trainable, Init: network.Init{Kind: "normal", Std: std}}
}
