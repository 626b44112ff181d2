package network

import (
	"fmt"
	"slices"

	"github.com/dlbench/dlbench/workloads"
)

// Check type-checks the network and fills in the shape of every node. A shape
// that is there already has to be the right one.
func (net *Network) Check() error {
	c := checker{activations: map[string][]int{}, parameters: map[string][]int{}}
	if err := c.network(net); err != nil {
		return fmt.Errorf("network %q: %w", net.Name, err)
	}
	return nil
}

type checker struct {
	activations map[string][]int
	parameters  map[string][]int
}

func (c *checker) network(net *Network) error {
	if net.Opset != Opset {
		return fmt.Errorf("opset is %d, expected %d", net.Opset, Opset)
	}
	if err := c.shape("input "+net.Input.Name, net.Input.Shape); err != nil {
		return err
	}
	c.activations[net.Input.Name] = net.Input.Shape
	for _, p := range net.Parameters {
		if err := c.parameter(p); err != nil {
			return err
		}
	}
	used := map[string]bool{}
	for i := range net.Nodes {
		n := &net.Nodes[i]
		if err := c.node(n, used); err != nil {
			return fmt.Errorf("node %q: %w", n.Name, err)
		}
	}
	for _, p := range net.Parameters {
		if !used[p.Name] {
			return fmt.Errorf("parameter %q: no node uses it", p.Name)
		}
	}
	return c.outputs(net)
}

func (c *checker) shape(what string, shape []int) error {
	if len(shape) == 0 || slices.Min(shape) < 1 {
		return fmt.Errorf("%s: shape is %v, expected positive extents", what, shape)
	}
	const most = 1 << 31
	product := 1
	for _, extent := range shape {
		if product *= extent; extent > most || product > most {
			return fmt.Errorf("%s: shape %v has more than 2^31 elements", what, shape)
		}
	}
	return nil
}

func (c *checker) parameter(p Parameter) error {
	if err := c.shape(fmt.Sprintf("parameter %q", p.Name), p.Shape); err != nil {
		return err
	}
	if c.parameters[p.Name] != nil || c.activations[p.Name] != nil {
		return fmt.Errorf("parameter %q: the name is taken", p.Name)
	}
	if !slices.Contains([]Role{Trainable, RunningMean, RunningVariance}, p.Role) {
		return fmt.Errorf("parameter %q: unknown role %q", p.Name, p.Role)
	}
	c.parameters[p.Name] = p.Shape
	return nil
}

func (c *checker) node(n *Node, used map[string]bool) error {
	op, ok := operators[n.Op]
	if !ok {
		return fmt.Errorf("unknown operator %q (nearest: %v)", n.Op, workloads.Nearest(n.Op, Operators()))
	}
	if err := op.checkAttributes(n); err != nil {
		return err
	}
	if c.activations[n.Output] != nil || c.parameters[n.Output] != nil || n.Output == "" {
		return fmt.Errorf("output %q: the name is empty or taken", n.Output)
	}
	x, p, err := c.inputs(n, used)
	if err != nil {
		return err
	}
	if err := arity("activations", len(x), op.activations); err != nil {
		return err
	}
	if err := arity("parameters", len(p), op.parameters); err != nil {
		return err
	}
	shape, err := op.shape(n, x, p)
	if err != nil {
		return err
	}
	if n.Shape != nil && !slices.Equal(n.Shape, shape) {
		return fmt.Errorf("shape is written as %v, and follows to be %v", n.Shape, shape)
	}
	n.Shape = shape
	c.activations[n.Output] = shape
	return c.shape("output", shape)
}

// inputs splits a node's inputs into shapes of activations and of parameters.
func (c *checker) inputs(n *Node, used map[string]bool) (x, p [][]int, err error) {
	for _, name := range n.Inputs {
		if shape, ok := c.parameters[name]; ok {
			p = append(p, shape)
			used[name] = true
			continue
		}
		shape, ok := c.activations[name]
		if !ok {
			return nil, nil, fmt.Errorf("input %q is neither a parameter nor made by an earlier node", name)
		}
		if len(p) > 0 {
			return nil, nil, fmt.Errorf("input %q: activations come before parameters", name)
		}
		x = append(x, shape)
	}
	return x, p, nil
}

func arity(what string, got int, want [2]int) error {
	if got < want[0] || (want[1] > 0 || what == "parameters") && got > want[1] {
		return fmt.Errorf("it has %d %s, expected %d to %d", got, what, want[0], want[1])
	}
	return nil
}

func (c *checker) outputs(net *Network) error {
	if len(net.Outputs) == 0 {
		return fmt.Errorf("it has no outputs")
	}
	for _, name := range net.Outputs {
		if c.activations[name] == nil {
			return fmt.Errorf("output %q: no node makes it", name)
		}
	}
	if logits := c.activations[net.Outputs[0]]; len(logits) != 2 {
		return fmt.Errorf("output %q has shape %v, expected logits [N classes]", net.Outputs[0], logits)
	}
	return nil
}
