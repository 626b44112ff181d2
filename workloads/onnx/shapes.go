package onnx

import (
	"fmt"
	"slices"

	"github.com/dlbench/dlbench/workloads/network"
)

// reshaped is an activation in another shape. Most files only flatten.
func (i *importer) reshaped(n *node, x value, target []int) ([]value, error) {
	switch {
	case slices.Equal(target, x.shape):
		i.foldNode(n, "changes no shape, left out")
		return []value{x}, nil
	case len(target) == 0 || target[0] != x.shape[0]:
		return nil, fmt.Errorf("from %v to %v, which takes the batch apart", x.shape, target)
	case elements(target) != elements(x.shape):
		return nil, fmt.Errorf("from %v to %v, which are not as many numbers", x.shape, target)
	case len(target) == 2 && len(x.shape) > 2:
		if n.op != "Flatten" {
			i.foldNode(n, "is Flatten")
		}
		return one(i.add(n, "Flatten", network.Attributes{"axis": 1}, []value{x}))
	}
	if at, ok := i.makers[x.name]; ok && i.net.Nodes[at].Op == "Reshape" {
		if before := i.inner(at); slices.Equal(before.shape, target) {
			return []value{before}, nil
		}
	}
	return one(i.inShape(n, x, target))
}

// inShape is a Reshape of all axes but the batch's.
func (i *importer) inShape(n *node, x value, target []int) (value, error) {
	out, err := i.add(n, "Reshape", network.Attributes{"shape": append([]int{0}, target[1:]...)}, []value{x})
	if err == nil {
		i.turns[x.name] = append(i.turns[x.name], i.makers[out.name])
	}
	return out, err
}

func flatten(i *importer, n *node) ([]value, error) {
	x, err := i.activation(n, 0)
	if err != nil {
		return nil, err
	}
	axis := n.int("axis", 1)
	if axis != len(x.shape) {
		if axis, err = axisOf(axis, len(x.shape)); err != nil {
			return nil, err
		}
	}
	return i.reshaped(n, x, []int{elements(x.shape[:axis]), elements(x.shape[axis:])})
}

func reshape(i *importer, n *node) ([]value, error) {
	v, err := i.get(n, 0)
	if err != nil {
		return nil, err
	}
	wanted, err := i.list(n, 1)
	if err != nil {
		return nil, err
	}
	target, err := resolve(wanted, v.shape, n.int("allowzero", 0) != 0)
	if err != nil {
		return nil, err
	}
	if v.known() {
		if elements(target) != v.constant.count() {
			return nil, fmt.Errorf("from %v to %v, which are not as many numbers", v.shape, target)
		}
		return []value{known(v.constant.shaped(target...))}, nil
	}
	return i.reshaped(n, v, target)
}

// resolve fills in what a shape takes from the input: 0 copies, -1 is the rest.
func resolve(wanted []int64, from []int, zeros bool) ([]int, error) {
	if len(wanted) > mostShape {
		return nil, fmt.Errorf("to %d axes", len(wanted))
	}
	target, rest, product := make([]int, len(wanted)), -1, 1
	for k, d := range wanted {
		switch {
		case d == -1 && rest < 0:
			rest = k
			continue
		case d == 0 && !zeros && k < len(from):
			target[k] = from[k]
		case d < 1 || d > mostElements:
			return nil, fmt.Errorf("shape %v is no shape for %v", wanted, from)
		default:
			target[k] = int(d)
		}
		if target[k] < 1 || target[k] > mostElements/product {
			return nil, fmt.Errorf("shape %v is no shape for %v", wanted, from)
		}
		product *= target[k]
	}
	if rest >= 0 {
		if elements(from)%product != 0 {
			return nil, fmt.Errorf("shape %v is no shape for %v", wanted, from)
		}
		target[rest] = elements(from) / product
	}
	return target, nil
}

// axes are an attribute until opset 12 and an input since.
func (i *importer) axes(n *node, rank int) ([]int, error) {
	list := n.ints("axes")
	if i.opset >= 13 && n.has(1) {
		wide, err := i.list(n, 1)
		if err != nil {
			return nil, err
		}
		for _, a := range wide {
			list = append(list, n.extent("axes", a))
		}
	}
	for k := range list {
		var err error
		if list[k], err = axisOf(list[k], rank); err != nil {
			return nil, err
		}
	}
	slices.Sort(list)
	return slices.Compact(list), n.err
}

func squeeze(i *importer, n *node) ([]value, error) {
	v, err := i.get(n, 0)
	if err != nil {
		return nil, err
	}
	axes, err := i.axes(n, len(v.shape))
	if err != nil {
		return nil, err
	}
	var target []int
	for k, d := range v.shape {
		gone := slices.Contains(axes, k) || axes == nil && d == 1
		if gone && d != 1 {
			return nil, fmt.Errorf("axis %d of %v is not 1", k, v.shape)
		}
		if !gone {
			target = append(target, d)
		}
	}
	if v.known() {
		return []value{known(v.constant.shaped(target...))}, nil
	}
	return i.reshaped(n, v, target)
}

func unsqueeze(i *importer, n *node) ([]value, error) {
	v, err := i.get(n, 0)
	if err != nil {
		return nil, err
	}
	count := len(n.ints("axes"))
	if i.opset >= 13 && n.has(1) {
		list, err := i.list(n, 1)
		if err != nil {
			return nil, err
		}
		count = len(list)
	}
	rank := len(v.shape) + count
	if rank > 8 {
		return nil, fmt.Errorf("to %d axes", rank)
	}
	axes, err := i.axes(n, rank)
	if err != nil {
		return nil, err
	}
	if len(axes) != count {
		return nil, fmt.Errorf("axes %v, one is there twice", axes)
	}
	target, from := make([]int, rank), 0
	for k := range target {
		target[k] = 1
		if !slices.Contains(axes, k) {
			target[k] = v.shape[from]
			from++
		}
	}
	if v.known() {
		return []value{known(v.constant.shaped(target...))}, nil
	}
	return i.reshaped(n, v, target)
}

// expand is left out if it changes nothing: PyTorch writes one, and a Tile, for
// each image of a batch before the norms that it keeps statistics for.
func expand(i *importer, n *node) ([]value, error) {
	v, err := i.get(n, 0)
	if err != nil {
		return nil, err
	}
	shape, err := i.list(n, 1)
	if err != nil {
		return nil, err
	}
	same := len(shape) <= len(v.shape)
	for k := 0; same && k < len(shape); k++ {
		own := int64(v.shape[len(v.shape)-len(shape)+k])
		same = shape[k] == 1 || shape[k] == own
	}
	if !same {
		return nil, fmt.Errorf("from %v to %v, dlbench has it only if it changes nothing", v.shape, shape)
	}
	return []value{v}, nil
}

// tile is left out if it changes nothing.
func tile(i *importer, n *node) ([]value, error) {
	v, err := i.get(n, 0)
	if err != nil {
		return nil, err
	}
	times, err := i.list(n, 1)
	if err != nil {
		return nil, err
	}
	if len(times) != len(v.shape) || slices.ContainsFunc(times, func(k int64) bool { return k != 1 }) {
		return nil, fmt.Errorf("%v times, dlbench has it only if it changes nothing", times)
	}
	return []value{v}, nil
}
