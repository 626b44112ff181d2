package onnx

import (
	"fmt"
	"slices"

	"github.com/dlbench/dlbench/workloads/network"
)

// Files from frameworks that keep channels last, and layers that work on
// channels, turn images over and back. What is the same with the channels first
// is brought there, so that the turns meet and go.
//
// The two turns of an image of four axes, or of a volume of five:
func channelsLast(rank int) []int  { return [][]int{{0, 2, 3, 1}, {0, 2, 3, 4, 1}}[rank-4] }
func channelsFirst(rank int) []int { return [][]int{{0, 3, 1, 2}, {0, 4, 1, 2, 3}}[rank-4] }

func transpose(i *importer, n *node) ([]value, error) {
	v, err := i.get(n, 0)
	if err != nil {
		return nil, err
	}
	perm := n.ints("perm")
	if perm == nil {
		for k := range v.shape {
			perm = append(perm, len(v.shape)-1-k)
		}
	}
	if v.known() {
		return transposedConstant(v.constant, perm)
	}
	if v.name == "input" && slices.Equal(perm, channelsFirst(len(v.shape))) && i.uses[n.inputs[0]] == 1 {
		i.net.Input.Shape = permuted(v.shape, perm)
		i.foldNode(n, "images come with their channels first, %v", i.net.Input.Shape)
		return []value{{name: "input", shape: i.net.Input.Shape}}, nil
	}
	return one(i.turned(n, v, perm))
}

func transposedConstant(t *tensor, perm []int) ([]value, error) {
	switch {
	case slices.IsSorted(perm) && len(perm) == len(t.dims):
		return []value{known(t)}, nil
	case len(t.dims) == 2 && slices.Equal(perm, []int{1, 0}) && !t.isInts():
		return []value{known(t.transposed())}, nil
	case len(t.dims) == 2 && slices.Equal(perm, []int{1, 0}) && len(t.ints) <= mostShape:
		return []value{known(&tensor{dims: []int{t.dims[1], t.dims[0]}, ints: swapped(t.ints, t.dims[0], t.dims[1])})}, nil
	}
	return nil, fmt.Errorf("of a constant %v by %v, dlbench turns matrices", t.dims, perm)
}

// turned is a Transpose, or what two of them come to.
func (i *importer) turned(n *node, v value, perm []int) (value, error) {
	if slices.IsSorted(perm) && len(perm) == len(v.shape) {
		return v, nil
	}
	if at, ok := i.makers[v.name]; ok && i.net.Nodes[at].Op == "Transpose" {
		before, back := i.net.Nodes[at].Attributes.Ints("perm"), true
		for k := range before {
			back = back && len(perm) == len(before) && perm[k] < len(before) && perm[k] >= 0 && before[perm[k]] == k
		}
		if back {
			return i.inner(at), nil
		}
	}
	out, err := i.add(n, "Transpose", network.Attributes{"perm": perm}, []value{v})
	if err == nil {
		i.turns[v.name] = append(i.turns[v.name], i.makers[out.name])
	}
	return out, err
}

// inner is what a node of one activation reads.
func (i *importer) inner(at int) value {
	name := i.net.Nodes[at].Inputs[0]
	if name == "input" {
		return value{name: name, shape: i.net.Input.Shape}
	}
	return value{name: name, shape: i.net.Nodes[i.makers[name]].Shape}
}

// first is an image with its channels first whose turned form is x.
func (i *importer) first(x value) (value, bool) {
	at, ok := i.makers[x.name]
	if !ok || i.net.Nodes[at].Op != "Transpose" || len(x.shape) < 4 || len(x.shape) > 5 {
		return x, false
	}
	if !slices.Equal(i.net.Nodes[at].Attributes.Ints("perm"), channelsLast(len(x.shape))) {
		return x, false
	}
	return i.inner(at), true
}

// each applies an operator that treats every element by itself, or along an axis
// that its attributes name. Of a turned image it is applied before the turn.
func (i *importer) each(n *node, op string, a network.Attributes, x value) ([]value, error) {
	source, turned := i.first(x)
	y, err := i.add(n, op, a, []value{source})
	if err != nil || !turned {
		return []value{y}, err
	}
	return one(i.turned(n, y, channelsLast(len(x.shape))))
}

// permuted are the extents of axes in another order.
func permuted(shape, perm []int) []int {
	out := make([]int, len(perm))
	for k, from := range perm {
		out[k] = shape[from]
	}
	return out
}

// sweep leaves out turns and reshapes that nothing reads any more.
func (i *importer) sweep() {
	for k := len(i.net.Nodes) - 1; k >= 0; k-- {
		n := i.net.Nodes[k]
		if (n.Op == "Transpose" || n.Op == "Reshape") && i.readers[n.Output] == 0 && !slices.Contains(i.net.Outputs, n.Output) {
			i.readers[n.Inputs[0]]--
			i.net.Nodes[k].Op = ""
		}
	}
	i.net.Nodes = slices.DeleteFunc(i.net.Nodes, func(n network.Node) bool { return n.Op == "" })
}

// pointwise is a product with a matrix along the channels of a turned image: a
// convolution of 1×1.
func (i *importer) pointwise(n *node, x value, w *tensor) ([]value, error) {
	i.foldNode(n, "along the channels is Conv of 1x1, weight %q is transposed to [out in 1 1]", w.name)
	rank := len(x.shape)
	if rank > 5 {
		return nil, fmt.Errorf("input %q is %v, wants [N C H W] or [N C D H W]", n.inputs[0], x.shape)
	}
	source, err := i.turned(n, x, channelsFirst(rank))
	if err != nil {
		return nil, err
	}
	ones := slices.Repeat([]int{1}, rank-2)
	weight, err := i.declare(w.transposed().shaped(append([]int{w.dims[1], w.dims[0]}, ones...)...), n.output()+".weight", network.Trainable)
	if err != nil {
		return nil, err
	}
	a := steadily(ones)
	a["group"] = 1
	y, err := i.add(n, "Conv", a, []value{source}, weight)
	if err != nil {
		return nil, err
	}
	return one(i.turned(n, y, channelsLast(rank)))
}

// layerNormalization normalises over the last axes.
func layerNormalization(i *importer, n *node) ([]value, error) {
	x, err := i.activation(n, 0)
	if err != nil {
		return nil, err
	}
	axis, err := axisOf(n.int("axis", -1), len(x.shape))
	if err != nil {
		return nil, err
	}
	var names []string
	for k, what := range []string{"weight", "bias"} {
		t, err := i.weight(n, k+1)
		if err != nil {
			return nil, err
		}
		name, err := i.declare(t, n.output()+"."+what, network.Trainable)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return one(i.add(n, "LayerNormalization", network.Attributes{"axis": axis, "epsilon": n.float("epsilon", 1e-5)}, []value{x}, names...))
}

// part is the elements from start to end of an axis.
func (i *importer) part(n *node, x value, axis, start, end int) (value, error) {
	return i.add(n, "Slice", network.Attributes{"axis": axis, "start": start, "end": end}, []value{x})
}

// split is a Slice for each part that something reads.
func split(i *importer, n *node) ([]value, error) {
	x, err := i.activation(n, 0)
	if err != nil {
		return nil, err
	}
	axis, err := axisOf(n.int("axis", 0), len(x.shape))
	if err != nil {
		return nil, err
	}
	sizes := n.ints("split")
	if i.opset >= 13 && n.has(1) {
		list, err := i.list(n, 1)
		if err != nil {
			return nil, err
		}
		sizes = clamp(list)
	}
	parts := len(n.outputs)
	if sizes == nil && parts > 0 {
		size := (x.shape[axis] + parts - 1) / parts
		for k := range parts {
			sizes = append(sizes, min(size, x.shape[axis]-k*size))
		}
	}
	if len(sizes) != parts {
		return nil, fmt.Errorf("into %v, it has %d outputs", sizes, parts)
	}
	i.foldNode(n, "is a Slice for each part")
	out, start := make([]value, parts), 0
	for k, size := range sizes {
		if i.uses[n.outputs[k]] > 0 {
			one := &node{name: fmt.Sprintf("%s.%d", n.label(), k), outputs: n.outputs[k : k+1]}
			if out[k], err = i.part(one, x, axis, start, start+size); err != nil {
				return nil, err
			}
		}
		start += size
	}
	return out, nil
}
