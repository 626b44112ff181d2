package onnx

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dlbench/dlbench/workloads/initial"
	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/onnx/schema"
)

// value is what a name of the file stands for: an activation of the network, or
// a tensor that is known.
type value struct {
	name     string // of the activation
	shape    []int
	constant *tensor
	zeros    []int // that a Pad wants around the image before what reads it, as pads lists them
}

func (v value) known() bool { return v.constant != nil }

// importer goes through a file's nodes once, in order.
type importer struct {
	file    *schema.ModelProto
	opset   int
	options Options
	folder  *folder

	nodes   []*node
	stored  map[string]*schema.TensorProto // initialisers
	uses    map[string]int                 // of a name of the file: nodes that read it, and outputs
	next    map[string]*node               // of a name of the file: a node that reads it
	values  map[string]value
	net     network.Network
	makers  map[string]int   // activation → index of the node that makes it
	readers map[string]int   // activation → nodes of the network that read it
	open    map[string]int   // activation → uses of its names in the file that are still to come
	turns   map[string][]int // activation → the Transposes and Reshapes that read it
	params  map[string]int   // parameter → its index
	weights map[string]*tensor
	sources map[*stored]string // a stored tensor → the first parameter that is it
	names   naming             // of activations and parameters
	called  naming             // of nodes
	folded  []string

	repeated int            // weights that ConstantOfShape makes
	widths   map[string]int // how many weights are of another type than float32, by its name and what becomes of them
	fixed    int            // the batch that the file fixes; 0 if it is open
	loss     string         // that the end of the network asks for; empty: network.SoftmaxCrossEntropy
}

func newImporter(file *schema.ModelProto, opset int, o Options, f *folder) *importer {
	return &importer{
		file: file, opset: opset, options: o, folder: f,
		stored: map[string]*schema.TensorProto{}, uses: map[string]int{}, next: map[string]*node{}, values: map[string]value{},
		makers: map[string]int{}, readers: map[string]int{}, open: map[string]int{}, turns: map[string][]int{}, params: map[string]int{}, weights: map[string]*tensor{}, sources: map[*stored]string{}, widths: map[string]int{},
		names: naming{"input": 1, "logits": 1}, called: naming{},
		net: network.Network{Name: "model", Opset: network.Opset},
	}
}

func (i *importer) run() (*network.Network, error) {
	for _, t := range i.file.Graph.Initializer {
		if _, twice := i.stored[t.GetName()]; twice {
			return nil, fmt.Errorf("initializer %q is there twice", t.GetName())
		}
		i.stored[t.GetName()] = t
	}
	if len(i.file.Graph.SparseInitializer) > 0 {
		return nil, fmt.Errorf("it has sparse initializers, dlbench reads dense ones")
	}
	if err := i.live(); err != nil {
		return nil, err
	}
	i.recognise()
	if err := i.problems(); err != nil {
		return nil, err
	}
	for _, n := range i.nodes {
		for _, name := range n.inputs {
			i.next[name] = n
		}
	}
	for _, n := range i.nodes {
		if err := i.translate(n); err != nil {
			return nil, fmt.Errorf("node %q (%s): %w", n.label(), n.op, err)
		}
	}
	if i.repeated > 0 {
		i.fold("ConstantOfShape: %d weights are one number each, repeated", i.repeated)
	}
	for _, kind := range slices.Sorted(maps.Keys(i.widths)) {
		i.fold("%d weights are %s", i.widths[kind], kind)
	}
	if err := i.outputs(); err != nil {
		return nil, err
	}
	i.sweep()
	initial.Draw(&i.net)
	return &i.net, nil
}

// live keeps the nodes that the outputs need, and counts who reads what.
func (i *importer) live() error {
	graph := i.file.Graph
	if len(graph.Output) == 0 {
		return fmt.Errorf("the graph has no output")
	}
	makers := map[string]int{}
	for k, n := range graph.Node {
		for _, name := range n.Output {
			if name != "" {
				makers[name] = k
			}
		}
	}
	needed, open := make([]bool, len(graph.Node)), []string{}
	for _, out := range graph.Output {
		i.uses[out.GetName()]++
		open = append(open, out.GetName())
	}
	for len(open) > 0 {
		name := open[len(open)-1]
		open = open[:len(open)-1]
		k, made := makers[name]
		if !made || needed[k] {
			continue
		}
		needed[k] = true
		for _, input := range graph.Node[k].Input {
			if input != "" {
				i.uses[input]++
				open = append(open, input)
			}
		}
	}
	for k, n := range graph.Node {
		if needed[k] {
			i.nodes = append(i.nodes, newNode(n))
		}
	}
	if left := len(graph.Node) - len(i.nodes); left > 0 {
		i.fold("%d nodes that no output needs are left out", left)
	}
	return nil
}

// problems looks at the whole file before a part of it is judged: the input,
// and every operator that is missing.
func (i *importer) problems() error {
	var all []string
	if err := i.input(); err != nil {
		all = append(all, err.Error())
	}
	seen := map[string]bool{}
	var missing []string
	for _, n := range i.nodes {
		if translators[n.op] == nil && !seen[n.op] {
			seen[n.op] = true
			missing = append(missing, fmt.Sprintf("%s (first in node %q)", n.op, n.label()))
		}
	}
	if len(missing) > 0 {
		all = append(all, "operators that dlbench does not have: "+strings.Join(missing, ", "))
	}
	if len(all) > 0 {
		return fmt.Errorf("%s", strings.Join(all, "; "))
	}
	return nil
}

// fold notes what the network has in other words than the file.
func (i *importer) fold(format string, args ...any) {
	i.folded = append(i.folded, fmt.Sprintf(format, args...))
}

func (i *importer) foldNode(n *node, format string, args ...any) {
	i.fold("%s %q: %s", n.op, n.label(), fmt.Sprintf(format, args...))
}

func (i *importer) translate(n *node) error {
	if n.err != nil {
		return n.err
	}
	out, err := translators[n.op](i, n)
	if err == nil {
		err = n.err // an attribute of another type
	}
	if err != nil {
		return err
	}
	if len(n.outputs) == 0 || n.outputs[0] == "" {
		return fmt.Errorf("it has no output")
	}
	for _, name := range n.outputs[min(len(out), len(n.outputs)):] {
		if name != "" && i.uses[name] > 0 {
			return fmt.Errorf("something reads its output %q, which dlbench does not make", name)
		}
	}
	for k, name := range n.outputs[:min(len(out), len(n.outputs))] {
		if _, twice := i.values[name]; twice && name != "" {
			return fmt.Errorf("output %q is the name of another value", name)
		}
		i.values[name] = out[k]
		i.open[out[k].name] += i.uses[name]
	}
	for _, name := range n.inputs {
		if v, ok := i.values[name]; ok {
			i.open[v.name]--
		}
	}
	return nil
}

// get is what an input of a node stands for; absent ones are unknown.
func (i *importer) get(n *node, k int) (value, error) {
	if k >= len(n.inputs) || n.inputs[k] == "" {
		return value{}, fmt.Errorf("input %d is missing", k)
	}
	name := n.inputs[k]
	if v, ok := i.values[name]; ok {
		if v.zeros != nil && !takesZeros(n.op) {
			return value{}, fmt.Errorf("input %q is padded by %v, which dlbench has before convolutions and pools", name, v.zeros)
		}
		return v, nil
	}
	t, ok := i.stored[name]
	if !ok {
		return value{}, fmt.Errorf("input %q is made by no earlier node", name)
	}
	read, err := fromProto(t, i.folder)
	if err != nil {
		return value{}, fmt.Errorf("initializer %q: %w", name, err)
	}
	v := value{constant: read, shape: read.dims}
	i.values[name] = v
	return v, nil
}

// activation is an input that is computed.
func (i *importer) activation(n *node, k int) (value, error) {
	v, err := i.get(n, k)
	if err == nil && v.known() {
		err = fmt.Errorf("input %q is a constant, wants what the network computes", n.inputs[k])
	}
	return v, err
}

// constant is an input that is known.
func (i *importer) constant(n *node, k int) (*tensor, error) {
	v, err := i.get(n, k)
	if err == nil && !v.known() {
		err = fmt.Errorf("input %q is computed, wants a constant", n.inputs[k])
	}
	return v.constant, err
}

// weight is an input of known float32 numbers.
func (i *importer) weight(n *node, k int) (*tensor, error) {
	t, err := i.constant(n, k)
	if err == nil && t.isInts() {
		err = fmt.Errorf("input %q holds whole numbers, wants float32", n.inputs[k])
	}
	return t, err
}

// list is an input of known whole numbers.
func (i *importer) list(n *node, k int) ([]int64, error) {
	t, err := i.constant(n, k)
	if err != nil {
		return nil, err
	}
	if !t.isInts() {
		return nil, fmt.Errorf("input %q holds float32, wants whole numbers", n.inputs[k])
	}
	return t.ints, nil
}

// add appends a node and returns what it makes.
func (i *importer) add(n *node, op string, a network.Attributes, activations []value, parameters ...string) (value, error) {
	if a == nil {
		a = network.Attributes{}
	}
	made := network.Node{Op: op, Attributes: a}
	var shapes, params [][]int
	for _, x := range activations {
		made.Inputs = append(made.Inputs, x.name)
		shapes = append(shapes, x.shape)
		i.readers[x.name]++
	}
	for _, p := range parameters {
		made.Inputs = append(made.Inputs, p)
		params = append(params, i.net.Parameters[i.params[p]].Shape)
	}
	shape, err := network.Infer(op, a, shapes, params)
	if err != nil {
		return value{}, err
	}
	made.Name, made.Output, made.Shape = i.called.take(n.label()), i.names.take(n.output()), shape
	i.makers[made.Output] = len(i.net.Nodes)
	i.net.Nodes = append(i.net.Nodes, made)
	return value{name: made.Output, shape: shape}, nil
}

// declare makes a parameter of a known tensor. A tensor that two nodes read is
// two parameters of the network: exporters give equal tensors one name.
func (i *importer) declare(t *tensor, fallback string, role network.Role) (string, error) {
	if len(t.dims) == 0 || t.count() == 0 {
		return "", fmt.Errorf("weight %q has shape %v, wants at least one number and one axis", t.name, t.dims)
	}
	name := t.name
	if name == "" {
		name = fallback
	}
	if first, shared := i.sources[t.root()]; shared {
		if i.options.Training && len(t.dims) > 1 {
			return "", fmt.Errorf("weight %q is parameter %q already: nodes that share weights cannot be trained here", t.name, first)
		}
		i.fold("weight %q: more than one node reads it, each has its own copy", t.name)
	}
	name = i.names.take(name)
	if i.sources[t.root()] == "" {
		i.sources[t.root()] = name
		if s := t.root(); s != nil && s.kind != nil && s.kind.note != "" {
			i.widths[s.kind.name+s.kind.note]++
		}
	}
	i.params[name] = len(i.net.Parameters)
	i.net.Parameters = append(i.net.Parameters, network.Parameter{Name: name, Shape: t.dims, Role: role})
	i.weights[name] = t
	return name, nil
}

// only is the node that makes an activation which nobody reads but one node of
// the file; what such a node makes can be put into other words.
func (i *importer) only(n *node, k int) (*network.Node, bool) {
	name := n.inputs[k]
	v, ok := i.values[name]
	if !ok || v.known() || i.uses[name] != 1 {
		return nil, false
	}
	at, made := i.makers[v.name]
	if !made {
		return nil, false
	}
	return &i.net.Nodes[at], i.readers[v.name] == i.idle(v.name)
}

// idle counts the Transposes and Reshapes that read an activation and that nothing will read:
// they are swept in the end.
func (i *importer) idle(activation string) int {
	count := 0
	for _, at := range i.turns[activation] {
		if made := i.net.Nodes[at].Output; i.readers[made] == 0 && i.open[made] == 0 {
			count++
		}
	}
	return count
}
