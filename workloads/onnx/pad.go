package onnx

import (
	"fmt"
	"slices"

	"github.com/dlbench/dlbench/workloads/network"
)

// pad puts zeros around an image, which the convolution or the pool that reads
// it takes as its own padding. Less than nothing is a part of the image.
func pad(i *importer, n *node) ([]value, error) {
	x, err := i.image(n)
	if err != nil {
		return nil, err
	}
	pads, err := i.padding(n, len(x.shape))
	if err != nil {
		return nil, err
	}
	if slices.Min(pads) == 0 && slices.Max(pads) == 0 {
		i.foldNode(n, "by nothing is left out")
		return []value{x}, nil
	}
	if slices.Max(pads) <= 0 {
		return i.cropped(n, x, pads)
	}
	if mode := n.text("mode", "constant"); mode != "constant" {
		return nil, fmt.Errorf("mode %s, dlbench pads with zeros", mode)
	}
	filling, err := i.filling(n)
	if err != nil {
		return nil, err
	}
	rank := len(x.shape)
	if slices.Min(pads) < 0 || slices.Max(pads) > network.MaxExtent || pads[0]+pads[1]+pads[rank]+pads[rank+1] != 0 || filling != 0 || x.zeros != nil {
		return nil, fmt.Errorf("pads %v with %v, dlbench pads the axes behind the channels with zeros, once", pads, filling)
	}
	x.zeros = slices.Concat(pads[2:rank], pads[rank+2:])
	return []value{x}, nil
}

// padding is an attribute until opset 10 and an input since, two for each axis:
// all at its beginning, and then all at its end. Since opset 18 a file may give
// those of some axes only.
func (i *importer) padding(n *node, rank int) ([]int, error) {
	given := n.ints("pads")
	if i.opset >= 11 {
		list, err := i.list(n, 1)
		if err != nil {
			return nil, err
		}
		given = clamp(list)
	}
	var named []int
	if n.has(3) {
		list, err := i.list(n, 3)
		if err != nil {
			return nil, err
		}
		named = clamp(list)
	}
	axes, err := axesOf(named, rank)
	if err != nil {
		return nil, err
	}
	if len(given) != 2*len(axes) {
		return nil, fmt.Errorf("pads %v, wants two for each of the axes %v", given, axes)
	}
	pads := make([]int, 2*rank)
	for k, axis := range axes {
		pads[axis], pads[rank+axis] = given[k], given[len(axes)+k]
	}
	return pads, nil
}

// filling is what a Pad puts there.
func (i *importer) filling(n *node) (float64, error) {
	if i.opset < 11 || !n.has(2) {
		return n.float("value", 0), nil
	}
	t, err := i.weight(n, 2)
	if err != nil {
		return 0, err
	}
	v, ok := t.scalar()
	if !ok {
		return 0, fmt.Errorf("input %q is %v, wants one number", n.inputs[2], t.dims)
	}
	return v, nil
}

// cropped is a Slice for each axis of which a Pad takes something away.
func (i *importer) cropped(n *node, x value, pads []int) ([]value, error) {
	i.foldNode(n, "by %v is a Slice for each axis", pads)
	rank := len(x.shape)
	for axis := range rank {
		low, high := -pads[axis], x.shape[axis]+pads[rank+axis]
		if low == 0 && high == x.shape[axis] {
			continue
		}
		var err error
		if x, err = i.part(n, x, axis, low, high); err != nil {
			return nil, err
		}
	}
	return []value{x}, nil
}

func takesZeros(op string) bool {
	return op == "Conv" || op == "MaxPool" || op == "AveragePool"
}

// takeZeros adds the zeros around an input to a window's own padding.
func (i *importer) takeZeros(n *node, x value, a network.Attributes) error {
	if x.zeros == nil {
		return nil
	}
	if auto := n.text("auto_pad", "NOTSET"); auto != "NOTSET" && auto != "VALID" {
		return fmt.Errorf("auto_pad %s on top of the Pad before it", auto)
	}
	pads := slices.Clone(a.Ints("pads"))
	for k := range pads {
		pads[k] += x.zeros[k]
	}
	a["pads"] = pads
	i.foldNode(n, "takes the zeros of the Pad before it, pads are %v", pads)
	return nil
}

// positive says whether an activation is never below zero.
func (i *importer) positive(x value) bool {
	at, ok := i.makers[x.name]
	if !ok {
		return false
	}
	n := i.net.Nodes[at]
	return n.Op == "Relu" || n.Op == "Sigmoid" || n.Op == "HardSigmoid" || n.Op == "Softmax" || n.Op == "Clip" && n.Attributes.Float("min") >= 0
}
