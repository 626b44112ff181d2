package onnx

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/dlbench/dlbench/workloads/onnx/schema"
)

// normalisation is a LayerNormalization that a file spells out, as exporters do
// for opsets before 17: (x − mean)/√(mean((x − mean)²) + ε)·scale + bias, the
// means over the last axis.
type normalisation struct {
	x, scale, bias string
	epsilon        float64
	last           *node
	others         []*node
}

// layerNorm follows the nodes around a Sqrt.
func (p pattern) layerNorm(root *node) (normalisation, bool) {
	var n normalisation
	plus := p.maker(root, 0)
	if plus == nil || plus.op != "Add" || len(plus.inputs) != 2 {
		return n, false
	}
	var variance *node
	for k := range 2 {
		if e, ok := p.scalar(plus.inputs[k]); ok && e > 0 {
			n.epsilon, variance = e, p.maker(plus, 1-k)
		}
	}
	if !p.meanOfLast(variance) {
		return n, false
	}
	square := p.maker(variance, 0)
	centred := p.squared(square)
	if centred == nil || centred.op != "Sub" || len(centred.inputs) != 2 {
		return n, false
	}
	n.x = centred.inputs[0]
	mean := p.maker(centred, 1)
	over := p.reader(root)
	if !p.meanOfLast(mean) || mean.inputs[0] != n.x || over == nil || over.op != "Div" ||
		!slices.Equal(over.inputs, []string{centred.output(), root.output()}) {
		return n, false
	}
	times := p.reader(over)
	n.last = p.reader(times)
	if n.last == nil || times.op != "Mul" || n.last.op != "Add" {
		return n, false
	}
	n.scale, n.bias = p.other(times, over.output()), p.other(n.last, times.output())
	n.others = []*node{mean, centred, square, variance, plus, root, over, times}
	for _, made := range []*node{mean, square, variance, plus} {
		if p.reader(made) == nil {
			return n, false
		}
	}
	readers := len(p.readers[centred.output()])
	return n, n.scale != "" && n.bias != "" && p.i.uses[centred.output()] == readers && onlyOf(p.readers[centred.output()], square, over)
}

func onlyOf(readers []*node, allowed ...*node) bool {
	return !slices.ContainsFunc(readers, func(n *node) bool { return !slices.Contains(allowed, n) })
}

// squared is what makes the value whose square a node is.
func (p pattern) squared(n *node) *node {
	if n == nil || len(n.inputs) != 2 {
		return nil
	}
	exponent, known := p.scalar(n.inputs[1])
	if n.op == "Pow" && known && exponent == 2 || n.op == "Mul" && n.inputs[0] == n.inputs[1] {
		return p.maker(n, 0)
	}
	return nil
}

// meanOfLast says whether a node is the mean over the last axis, which it keeps.
func (p pattern) meanOfLast(n *node) bool {
	if n == nil || n.op != "ReduceMean" || n.int("keepdims", 1) != 1 {
		return false
	}
	axes := n.ints("axes")
	if p.i.opset >= 18 && n.has(1) {
		axis, ok := p.scalar(n.inputs[1])
		return ok && axis == -1
	}
	return slices.Equal(axes, []int{-1})
}

// other is the input beside a given one.
func (p pattern) other(n *node, than string) string {
	if len(n.inputs) != 2 || n.inputs[0] == n.inputs[1] {
		return ""
	}
	switch than {
	case n.inputs[0]:
		return n.inputs[1]
	case n.inputs[1]:
		return n.inputs[0]
	}
	return ""
}

// layerNorms replaces them, and marks the nodes that go.
func (p pattern) layerNorms(gone map[*node]bool) {
	for _, root := range p.i.nodes {
		if root.op != "Sqrt" {
			continue
		}
		n, ok := p.layerNorm(root)
		if !ok {
			continue
		}
		p.i.foldNode(n.last, "(x-mean)/sqrt(variance+ε)·scale+bias over the last axis is LayerNormalization")
		p.replace(n.last, n.others, gone, "LayerNormalization", n.x, n.scale, n.bias)
		n.last.attributes = map[string]*schema.AttributeProto{
			"axis":    {Name: proto.String("axis"), Type: schema.AttributeProto_INT.Enum(), I: proto.Int64(-1)},
			"epsilon": {Name: proto.String("epsilon"), Type: schema.AttributeProto_FLOAT.Enum(), F: proto.Float32(float32(n.epsilon))},
		}
	}
}
