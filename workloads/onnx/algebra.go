package onnx

import (
	"fmt"
	"slices"

	"github.com/dlbench/dlbench/workloads/network"
)

// Additions and multiplications by constants are parts of the layer before them
// where that has a place for them: a convolution's weights and bias, the scale
// and shift of a batch norm.

func add(i *importer, n *node) ([]value, error) {
	return i.binary(n, "Add", func(a, b int64) (int64, error) { return a + b, nil })
}

func sub(i *importer, n *node) ([]value, error) {
	return i.binary(n, "Sub", func(a, b int64) (int64, error) { return a - b, nil })
}

func mul(i *importer, n *node) ([]value, error) {
	return i.binary(n, "Mul", func(a, b int64) (int64, error) { return a * b, nil })
}

func div(i *importer, n *node) ([]value, error) {
	return i.binary(n, "Div", func(a, b int64) (int64, error) {
		if b == 0 {
			return 0, fmt.Errorf("it divides by 0")
		}
		return a / b, nil
	})
}

func (i *importer) binary(n *node, op string, whole func(a, b int64) (int64, error)) ([]value, error) {
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
		return wholeArithmetic(x.constant, y.constant, whole)
	case y.known():
		return i.withConstant(n, 0, x, y.constant, op)
	case x.known() && (op == "Add" || op == "Mul"):
		return i.withConstant(n, 1, y, x.constant, op)
	case x.known() || op == "Sub" || op == "Div":
		return nil, fmt.Errorf("of what the network computes, dlbench has Add and Mul")
	}
	return one(i.add(n, op, nil, []value{x, y}))
}

// wholeArithmetic is what files do with shapes.
func wholeArithmetic(x, y *tensor, f func(a, b int64) (int64, error)) ([]value, error) {
	if !x.isInts() || !y.isInts() {
		return nil, fmt.Errorf("of two constants that are not whole numbers")
	}
	small := len(x.ints) > 0 && len(y.ints) > 0 && len(x.ints) <= mostShape && len(y.ints) <= mostShape
	if !small || len(x.ints) != len(y.ints) && len(x.ints) != 1 && len(y.ints) != 1 {
		return nil, fmt.Errorf("of %d and %d numbers", len(x.ints), len(y.ints))
	}
	dims, out := x.dims, make([]int64, max(len(x.ints), len(y.ints)))
	if len(y.ints) > len(x.ints) || len(y.dims) > len(x.dims) {
		dims = y.dims
	}
	for k := range out {
		var err error
		if out[k], err = f(x.ints[k%len(x.ints)], y.ints[k%len(y.ints)]); err != nil {
			return nil, err
		}
	}
	return []value{known(&tensor{dims: dims, ints: out})}, nil
}

func known(t *tensor) value { return value{constant: t, shape: t.dims} }

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
		if t.count() != 1 && (t.count() != x.shape[3] || t.dims[len(t.dims)-1] != x.shape[3]) {
			return nil, fmt.Errorf("the constant is %v, wants one number for each channel of %v", t.dims, x.shape)
		}
		if t.count() != 1 {
			t = t.shaped(t.count(), 1, 1)
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
	return one(i.turned(n, y[0], channelsLast))
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
	case op == "Add" && maker.Op == "BatchNormalization":
		i.foldNode(n, "is in the shift of BatchNormalization %q", maker.Name)
		i.change(maker.Inputs[2], c, func(a, b float64) float64 { return a + b })
		return true, nil
	case op == "Mul" && maker.Op == "BatchNormalization":
		i.foldNode(n, "is in the scale and shift of BatchNormalization %q", maker.Name)
		for _, p := range maker.Inputs[1:3] {
			i.change(p, c, func(a, b float64) float64 { return a * b })
		}
		return true, nil
	}
	return false, nil
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

// batchNormalization with the running statistics, whichever opset it is of.
func batchNormalization(i *importer, n *node) ([]value, error) {
	x, err := i.activation(n, 0)
	if err != nil {
		return nil, err
	}
	if len(x.shape) == 2 {
		return i.normalisedRows(n, x)
	}
	if x, err = i.image(n); err != nil {
		return nil, err
	}
	return one(i.normalised(n, x))
}

// normalisedRows are an image of one place for a while.
func (i *importer) normalisedRows(n *node, x value) ([]value, error) {
	i.foldNode(n, "of rows is that of images of 1x1")
	tall, err := i.add(n, "Reshape", network.Attributes{"shape": []int{0, x.shape[1], 1, 1}}, []value{x})
	if err != nil {
		return nil, err
	}
	if tall, err = i.normalised(n, tall); err != nil {
		return nil, err
	}
	return one(i.add(n, "Flatten", network.Attributes{"axis": 1}, []value{tall}))
}

func (i *importer) normalised(n *node, x value) (value, error) {
	if n.int("training_mode", 0) != 0 {
		return value{}, fmt.Errorf("it is in training mode; export the network for inference (eval mode)")
	}
	if n.int("spatial", 1) != 1 {
		return value{}, fmt.Errorf("spatial 0, dlbench normalises each channel as a whole")
	}
	var names []string
	for k, p := range []struct {
		what string
		role network.Role
	}{
		{"weight", network.Trainable}, {"bias", network.Trainable}, {"running_mean", network.RunningMean}, {"running_var", network.RunningVariance},
	} {
		t, err := i.weight(n, k+1)
		if err != nil {
			return value{}, err
		}
		name, err := i.declare(t, n.output()+"."+p.what, p.role)
		if err != nil {
			return value{}, err
		}
		names = append(names, name)
	}
	return i.add(n, "BatchNormalization", network.Attributes{"epsilon": n.float("epsilon", 1e-5), "momentum": n.float("momentum", 0.9)}, []value{x}, names...)
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
	if len(x.shape) == 4 {
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
