package onnx

import (
	"fmt"
	"slices"

	"github.com/dlbench/dlbench/workloads/network"
)

// pad puts zeros around an image, which the convolution or the pool that reads
// it takes as its own padding.
func pad(i *importer, n *node) ([]value, error) {
	x, err := i.image(n)
	if err != nil {
		return nil, err
	}
	if mode := n.text("mode", "constant"); mode != "constant" {
		return nil, fmt.Errorf("mode %s, dlbench pads with zeros", mode)
	}
	pads, filling := n.ints("pads"), n.float("value", 0)
	if i.opset >= 11 {
		list, err := i.list(n, 1)
		if err != nil {
			return nil, err
		}
		pads = clamp(list)
		if n.has(2) {
			t, err := i.weight(n, 2)
			if err != nil {
				return nil, err
			}
			var ok bool
			if filling, ok = t.scalar(); !ok {
				return nil, fmt.Errorf("input %q is %v, wants one number", n.inputs[2], t.dims)
			}
		}
	}
	if n.has(3) {
		return nil, fmt.Errorf("axes are not read")
	}
	if len(pads) != 8 || slices.Min(pads) < 0 || slices.Max(pads) > network.MaxExtent || pads[0]+pads[1]+pads[4]+pads[5] != 0 || filling != 0 || x.zeros != nil {
		return nil, fmt.Errorf("pads %v with %v, dlbench pads rows and columns with zeros, once", pads, filling)
	}
	x.zeros = []int{pads[2], pads[3], pads[6], pads[7]}
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
