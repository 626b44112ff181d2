package onnx

import (
	"fmt"
	"slices"

	"github.com/dlbench/dlbench/workloads/network"
)

// Additions and multiplications by constants are parts of the layer before them
// where that has a place for them: a convolution's weights and bias, the scale
// and shift of a batch norm.

// arithmetic is Add, Sub, Mul or Div: of what the network computes, of it and a
// constant, or of two constants.
func arithmetic(op string) translator {
	return func(i *importer, n *node) ([]value, error) { return i.binary(n, op) }
}

func (i *importer) binary(n *node, op string) ([]value, error) {
	x, err := i.get(n, 0)
	if err != nil {
		return nil, err
	}
	y, err := i.get(n, 1)
	if err != nil {
		return nil, err
	}
	switch {
	case x.known() && y.known():
		return ofConstants(op, x.constant, y.constant)
	case y.known():
		return i.withConstant(n, 0, x, y.constant, op)
	case x.known() && (op == "Add" || op == "Mul"):
		return i.withConstant(n, 1, y, x.constant, op)
	case x.known() || op == "Sub" || op == "Div":
		return nil, fmt.Errorf("of what the network computes, dlbench has Add and Mul")
	}
	return one(i.add(n, op, nil, []value{x, y}))
}

// withConstant is input k with one number for each channel. Of a turned image
// that is one for each place of the last axis.
func (i *importer) withConstant(n *node, k int, x value, t *tensor, op string) ([]value, error) {
	if t.isInts() {
		return nil, fmt.Errorf("the constant holds whole numbers, wants float32")
	}
	switch op {
	case "Sub":
		op, t = "Add", t.mapped(func(v float64) float64 { return -v })
	case "Div":
		op, t = "Mul", t.mapped(func(v float64) float64 { return 1 / v })
	}
	source, turned := i.first(x)
	if turned {
		channels := x.shape[len(x.shape)-1]
		if t.count() != 1 && (t.count() != channels || t.dims[len(t.dims)-1] != channels) {
			return nil, fmt.Errorf("the constant is %v, wants one number for each channel of %v", t.dims, x.shape)
		}
		if t.count() != 1 {
			t = t.shaped(append([]int{channels}, slices.Repeat([]int{1}, spatialAxes(x))...)...)
		}
	}
	c, err := channelwise(t, source.shape)
	if err != nil {
		return nil, err
	}
	var y []value
	maker, alone := i.only(n, k)
	if at, ok := i.makers[source.name]; ok && turned && alone && i.readers[source.name] == 1 {
		maker = &i.net.Nodes[at]
	}
	if alone {
		folded, err := i.into(n, maker, c, op)
		if err != nil || folded {
			return []value{x}, err
		}
	}
	if y, err = i.withParameter(n, source, t, op); err != nil || !turned {
		return y, err
	}
	return one(i.turned(n, y[0], channelsLast(len(x.shape))))
}

// channelwise is a constant as one number for each channel, [C].
func channelwise(t *tensor, shape []int) (*tensor, error) {
	if len(t.dims) > len(shape) || len(shape) < 2 {
		return nil, fmt.Errorf("the constant is %v, wants one number for each channel of %v", t.dims, shape)
	}
	dims := append(slices.Repeat([]int{1}, len(shape)-len(t.dims)), t.dims...)
	channels := dims[1]
	if t.count() != channels || channels != 1 && channels != shape[1] {
		return nil, fmt.Errorf("the constant is %v, wants one number for each channel of %v", t.dims, shape)
	}
	if channels == shape[1] {
		return t.shaped(shape[1]), nil
	}
	return t.repeated(shape[1]), nil
}

// repeated is one number n times.
func (t *tensor) repeated(n int) *tensor {
	return derived([]int{n}, func() ([]float32, error) {
		v, err := t.floats()
		if err != nil || len(v) != 1 {
			return nil, err
		}
		return slices.Repeat(v, n), nil
	}, t)
}

// into puts a constant into the layer before, if that has a place for it.
func (i *importer) into(n *node, maker *network.Node, c *tensor, op string) (bool, error) {
	switch {
	case op == "Add" && (maker.Op == "Conv" || maker.Op == "ConvTranspose" || maker.Op == "Gemm"):
		i.foldNode(n, "is the bias of %s %q", maker.Op, maker.Name)
		if len(maker.Inputs) == 3 {
			i.change(maker.Inputs[2], c, func(a, b float64) float64 { return a + b })
			return true, nil
		}
		bias, err := i.declare(c, maker.Output+".bias", network.Trainable)
		maker.Inputs = append(maker.Inputs, bias)
		return true, err
	case op == "Mul" && (maker.Op == "Conv" || maker.Op == "Gemm") && !i.options.Training && i.merges(n, c):
		i.foldNode(n, "is in the weights of %s %q", maker.Op, maker.Name)
		for _, p := range maker.Inputs[1:] {
			i.change(p, c, func(a, b float64) float64 { return a * b })
		}
		return true, nil
	case op == "Add" && scaledAndShifted(maker.Op):
		i.foldNode(n, "is in the shift of %s %q", maker.Op, maker.Name)
		i.change(maker.Inputs[2], c, func(a, b float64) float64 { return a + b })
		return true, nil
	case op == "Mul" && scaledAndShifted(maker.Op):
		i.foldNode(n, "is in the scale and shift of %s %q", maker.Op, maker.Name)
		for _, p := range maker.Inputs[1:3] {
			i.change(p, c, func(a, b float64) float64 { return a * b })
		}
		return true, nil
	}
	return false, nil
}

// scaledAndShifted says whether an operator ends with a scale and a shift of each
// channel.
func scaledAndShifted(op string) bool {
	return op == "BatchNormalization" || op == "InstanceNormalization"
}

// merges says whether a factor belongs to the layer before it: one number for
// all, or the scale of a batch norm that is written as a scale and a shift. A
// layer scale is a part of the network. In training all are: they are trained.
func (i *importer) merges(n *node, c *tensor) bool {
	if c.from != nil && c.from[0].count() == 1 {
		return true
	}
	next := i.next[n.output()]
	if next == nil || i.uses[n.output()] != 1 || next.op != "Add" && next.op != "Sub" {
		return false
	}
	for k := range next.inputs {
		if next.inputs[k] != n.output() && i.isKnown(next.inputs[k]) {
			return true
		}
	}
	return false
}

// isKnown says whether a name stands for a constant, as far as the nodes were
// translated.
func (i *importer) isKnown(name string) bool {
	if v, ok := i.values[name]; ok {
		return v.known()
	}
	return i.stored[name] != nil
}

func (i *importer) change(parameter string, by *tensor, f func(a, b float64) float64) {
	i.weights[parameter] = combined(i.weights[parameter], by, f)
}

func dense() network.Attributes {
	return network.Attributes{"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 1}
}

// gemm is a dense layer: alpha and beta are in its weights, which lie [out in].
func gemm(i *importer, n *node) ([]value, error) {
	x, err := i.activation(n, 0)
	if err != nil {
		return nil, err
	}
	w, err := i.matrix(n, 1)
	if err != nil {
		return nil, err
	}
	if n.int("transA", 0) != 0 {
		return nil, fmt.Errorf("transA %d, wants 0: images are rows", n.int("transA", 0))
	}
	if n.int("transB", 0) == 0 {
		i.foldNode(n, "weight %q is transposed to [out in]", w.name)
		w = w.transposed()
	}
	if alpha := n.float("alpha", 1); alpha != 1 {
		i.foldNode(n, "alpha %v is in the weight", alpha)
		w = w.mapped(func(v float64) float64 { return alpha * v })
	}
	weight, err := i.declare(w, n.output()+".weight", network.Trainable)
	if err != nil {
		return nil, err
	}
	params := []string{weight}
	if n.has(2) {
		c, err := i.weight(n, 2)
		if err != nil {
			return nil, err
		}
		if c, err = channelwise(c, []int{x.shape[0], w.dims[0]}); err != nil {
			return nil, err
		}
		if beta := n.float("beta", 1); beta != 1 {
			i.foldNode(n, "beta %v is in the bias", beta)
			c = c.mapped(func(v float64) float64 { return beta * v })
		}
		bias, err := i.declare(c, n.output()+".bias", network.Trainable)
		if err != nil {
			return nil, err
		}
		params = append(params, bias)
	}
	return one(i.add(n, "Gemm", dense(), []value{x}, params...))
}

func (i *importer) matrix(n *node, k int) (*tensor, error) {
	w, err := i.weight(n, k)
	if err == nil && len(w.dims) != 2 {
		err = fmt.Errorf("weight %q is %v, wants a matrix", n.inputs[k], w.dims)
	}
	return w, err
}

// matMul with a constant matrix is a dense layer without a bias; an Add after
// it brings one.
func matMul(i *importer, n *node) ([]value, error) {
	x, err := i.activation(n, 0)
	if err != nil {
		return nil, err
	}
	w, err := i.matrix(n, 1)
	if err != nil {
		return nil, err
	}
	if len(x.shape) > 3 {
		return i.pointwise(n, x, w)
	}
	i.foldNode(n, "is Gemm, weight %q is transposed to [out in]", w.name)
	w = w.transposed()
	weight, err := i.declare(w, n.output()+".weight", network.Trainable)
	if err != nil {
		return nil, err
	}
	return one(i.add(n, "Gemm", dense(), []value{x}, weight))
}
