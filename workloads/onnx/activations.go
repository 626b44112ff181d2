package onnx

import (
	"fmt"
	"slices"

	"github.com/dlbench/dlbench/workloads/network"
)

// curve is an activation of one element, with what its attributes say.
func curve(op string, attributes func(n *node) network.Attributes) translator {
	return func(i *importer, n *node) ([]value, error) {
		x, err := i.activation(n, 0)
		if err != nil {
			return nil, err
		}
		var a network.Attributes
		if attributes != nil {
			a = attributes(n)
		}
		return i.each(n, op, a, x)
	}
}

func leakyAttributes(n *node) network.Attributes {
	return network.Attributes{"alpha": n.float("alpha", 0.01)}
}

func hardSigmoidAttributes(n *node) network.Attributes {
	return network.Attributes{"alpha": n.float("alpha", 0.2), "beta": n.float("beta", 0.5)}
}

func geluAttributes(n *node) network.Attributes {
	return network.Attributes{"approximate": n.text("approximate", "none")}
}

// pRelu has a slope for each channel, or one for all.
func pRelu(i *importer, n *node) ([]value, error) {
	x, err := i.activation(n, 0)
	if err != nil {
		return nil, err
	}
	slope, err := i.weight(n, 1)
	if err != nil {
		return nil, err
	}
	if slope, err = broadcastable(slope, x.shape); err != nil {
		return nil, err
	}
	name, err := i.declare(slope, n.output()+".weight", network.Trainable)
	if err != nil {
		return nil, err
	}
	return one(i.add(n, "PRelu", nil, []value{x}, name))
}

// broadcastable is a constant in the form that the vocabulary has: [C 1 1]
// after an image, [C] after rows, all ones for one number.
func broadcastable(t *tensor, shape []int) (*tensor, error) {
	ones := slices.Repeat([]int{1}, len(shape)-1)
	if t.count() == 1 && !t.isInts() && len(t.dims) <= len(shape) {
		return t.shaped(ones...), nil
	}
	c, err := channelwise(t, shape)
	if err != nil {
		return nil, err
	}
	ones[0] = shape[1]
	return c.shaped(ones...), nil
}

// withParameter is Add or Mul of a constant that no layer before it takes.
func (i *importer) withParameter(n *node, x value, t *tensor, op string) ([]value, error) {
	p, err := broadcastable(t, x.shape)
	if err != nil {
		return nil, err
	}
	if i.options.Training && t.count() == 1 && x.shape[1] != 1 {
		return nil, fmt.Errorf("%s of one number, which training here would change", op)
	}
	name, err := i.declare(p, n.output()+".weight", network.Trainable)
	if err != nil {
		return nil, err
	}
	return one(i.add(n, op, nil, []value{x}, name))
}
