package network

import (
	"fmt"
	"math"
	"slices"
)

// Check makes sure that the network means one thing: names are unique, nodes
// are in topological order, every input exists, operators have the inputs and
// the complete attributes that their specification wants, and parameters fit.
// It infers every node's shape, fills the shapes that are absent and compares
// those that are present. A network that fails is left as it was.
//
// Beyond ONNX it wants every parameter and every activation to be used, and a
// parameter by only one node: frameworks would skip the one and copy the other.
func (n *Network) Check() error {
	c := checker{
		net:         n,
		activations: map[string][]int{},
		parameters:  map[string]*Parameter{},
		users:       map[string]string{},
		nodes:       map[string]bool{},
	}
	shapes, err := c.run()
	if err != nil {
		return fmt.Errorf("network %q: %w", n.Name, err)
	}
	for i := range n.Nodes {
		if len(n.Nodes[i].Shape) == 0 { // a network that is complete is only read: others may read it too
			n.Nodes[i].Shape = shapes[i]
		}
	}
	return nil
}

type checker struct {
	net         *Network
	activations map[string][]int
	parameters  map[string]*Parameter
	users       map[string]string // value → a node that takes it
	nodes       map[string]bool
}

func (c *checker) run() ([][]int, error) {
	if err := c.header(); err != nil {
		return nil, err
	}
	for i := range c.net.Parameters {
		p := &c.net.Parameters[i]
		if err := c.parameter(p); err != nil {
			return nil, fmt.Errorf("parameter %q: %w", p.Name, err)
		}
	}
	shapes := make([][]int, len(c.net.Nodes))
	for i := range c.net.Nodes {
		node := &c.net.Nodes[i]
		shape, err := c.node(node)
		if err != nil {
			return nil, fmt.Errorf("node %q: %w", node.Name, err)
		}
		shapes[i] = shape
	}
	return shapes, c.ends()
}

func (c *checker) header() error {
	n := c.net
	if n.Name == "" {
		return fmt.Errorf("the network has no name")
	}
	if n.Opset != Opset {
		return fmt.Errorf("opset %d, wants %d", n.Opset, Opset)
	}
	if n.Input.Name == "" {
		return fmt.Errorf("the input has no name")
	}
	if err := spatial(n.Input.Shape); err != nil {
		return fmt.Errorf("input %q is %v, wants [N C H W] or [N C D H W]", n.Input.Name, n.Input.Shape)
	}
	if err := checkShape(n.Input.Shape); err != nil {
		return fmt.Errorf("input %q: %w", n.Input.Name, err)
	}
	c.activations[n.Input.Name] = n.Input.Shape
	return nil
}

func (c *checker) parameter(p *Parameter) error {
	if p.Name == "" {
		return fmt.Errorf("it has no name")
	}
	if c.taken(p.Name) {
		return fmt.Errorf("the name is taken already")
	}
	if len(p.Shape) == 0 {
		return fmt.Errorf("it has no shape")
	}
	if err := checkShape(p.Shape); err != nil {
		return err
	}
	switch p.Role {
	case Trainable, RunningMean, RunningVariance:
	default:
		return fmt.Errorf("role %q, wants %q, %q or %q", p.Role, Trainable, RunningMean, RunningVariance)
	}
	c.parameters[p.Name] = p
	return p.Init.check(p.Role)
}

func (i Init) check(role Role) error {
	for _, v := range []float64{i.Mean, i.Std, i.Low, i.High} {
		if math.IsNaN(v) || math.Abs(v) > maxFloat32 {
			return fmt.Errorf("init: %v is not a float that 32 bits hold", v)
		}
	}
	switch {
	case i.Kind == "normal" && (i.Std <= 0 || i.Low != 0 || i.High != 0):
		return fmt.Errorf("init: normal wants mean and a std above 0, and no low or high")
	case i.Kind == "uniform" && (i.Low >= i.High || i.Mean != 0 || i.Std != 0):
		return fmt.Errorf("init: uniform wants low below high, and no mean or std")
	case i.Kind != "normal" && i.Kind != "uniform":
		return fmt.Errorf("init: kind %q, wants \"normal\" or \"uniform\"", i.Kind)
	case role == RunningVariance && (i.Kind != "uniform" || i.Low <= 0):
		return fmt.Errorf("init: a running variance wants uniform with low above 0")
	}
	return nil
}

func (c *checker) taken(name string) bool {
	_, activation := c.activations[name]
	_, parameter := c.parameters[name]
	return activation || parameter
}

func (c *checker) node(node *Node) ([]int, error) {
	if node.Name == "" {
		return nil, fmt.Errorf("a node has no name")
	}
	if c.nodes[node.Name] {
		return nil, fmt.Errorf("the name is taken already")
	}
	c.nodes[node.Name] = true
	if node.Output == "" {
		return nil, fmt.Errorf("the output has no name")
	}
	if c.taken(node.Output) {
		return nil, fmt.Errorf("output %q is the name of another value", node.Output)
	}
	shape, err := c.infer(node)
	if err != nil {
		return nil, err
	}
	if len(node.Shape) != 0 && !slices.Equal(node.Shape, shape) {
		return nil, fmt.Errorf("shape is stated as %v and is %v", node.Shape, shape)
	}
	c.activations[node.Output] = shape
	return shape, nil
}

func (c *checker) infer(node *Node) ([]int, error) {
	op, err := lookup(node.Op)
	if err != nil {
		return nil, err
	}
	if err := op.checkAttributes(node.Attributes); err != nil {
		return nil, err
	}
	applied, err := c.inputs(op, node)
	if err != nil {
		return nil, err
	}
	shape, err := op.infer(applied)
	if err != nil {
		return nil, err
	}
	return slices.Clone(shape), checkShape(shape)
}

// inputs splits a node's inputs into activations and, after them, parameters.
func (c *checker) inputs(op operator, node *Node) (application, error) {
	applied := application{attributes: node.Attributes}
	for i, name := range node.Inputs {
		if shape, ok := c.activations[name]; ok {
			if len(applied.parameters) > 0 {
				return applied, fmt.Errorf("input %d: activation %q comes after a parameter", i, name)
			}
			applied.activations = append(applied.activations, shape)
			c.users[name] = node.Name
			continue
		}
		p, ok := c.parameters[name]
		if !ok {
			return applied, fmt.Errorf("input %d: %q is neither a parameter nor an output of an earlier node", i, name)
		}
		if user, used := c.users[name]; used {
			return applied, fmt.Errorf("input %d: parameter %q belongs to node %q already", i, name, user)
		}
		c.users[name] = node.Name
		if k := len(applied.parameters); k < len(op.parameters) && p.Role != op.parameters[k] {
			return applied, fmt.Errorf("input %d: parameter %q has role %q, wants %q", i, name, p.Role, op.parameters[k])
		}
		applied.parameters = append(applied.parameters, p.Shape)
	}
	return applied, op.checkArity(len(applied.activations), len(applied.parameters), node.Op)
}

func (o operator) checkArity(activations, parameters int, name string) error {
	if activations < o.inputs.min || activations > o.inputs.max {
		return fmt.Errorf("%s has %d activations, wants a number %s", name, activations, span(o.inputs.min, o.inputs.max))
	}
	least, most := len(o.parameters)-o.optional, len(o.parameters)
	if parameters < least || parameters > most {
		return fmt.Errorf("%s has %d parameters, wants a number %s", name, parameters, span(least, most))
	}
	return nil
}

// ends checks what comes out, and that nothing is computed or kept for nobody.
func (c *checker) ends() error {
	if len(c.net.Outputs) == 0 {
		return fmt.Errorf("outputs: there are none")
	}
	seen := map[string]bool{}
	for _, name := range c.net.Outputs {
		if _, ok := c.activations[name]; !ok || name == c.net.Input.Name {
			return fmt.Errorf("outputs: %q is the output of no node", name)
		}
		if seen[name] {
			return fmt.Errorf("outputs: %q is there twice", name)
		}
		seen[name] = true
	}
	for _, node := range c.net.Nodes {
		if c.users[node.Output] == "" && !seen[node.Output] {
			return fmt.Errorf("node %q: nothing uses its output %q", node.Name, node.Output)
		}
	}
	for _, p := range c.net.Parameters {
		if c.users[p.Name] == "" {
			return fmt.Errorf("parameter %q: no node uses it", p.Name)
		}
	}
	return nil
}
