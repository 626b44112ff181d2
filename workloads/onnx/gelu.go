package onnx

import (
	"fmt"
	"math"
	"slices"

	"github.com/dlbench/dlbench/workloads/onnx/schema"
)

// pattern finds activations that files spell out node by node, because the
// operator is younger than their opset.
type pattern struct {
	i       *importer
	makers  map[string]*node
	readers map[string][]*node
}

// recognise replaces what is spelled out by the operators that it is: GELU,
// x·(1 + erf(x/√2))/2, in any order of its products, and LayerNormalization.
func (i *importer) recognise() {
	p := pattern{i, map[string]*node{}, map[string][]*node{}}
	for _, n := range i.nodes {
		for _, name := range n.outputs {
			p.makers[name] = n
		}
		for _, name := range n.inputs {
			p.readers[name] = append(p.readers[name], n)
		}
	}
	gone := map[*node]bool{}
	for _, n := range i.nodes {
		if n.op != "Erf" {
			continue
		}
		if x, last, others, ok := p.gelu(n); ok {
			i.foldNode(last, "x·(1+erf(x/√2))/2 is Gelu")
			p.replace(last, others, gone, "Gelu", x)
		}
	}
	p.layerNorms(gone)
	i.nodes = slices.DeleteFunc(i.nodes, func(n *node) bool { return gone[n] })
}

// replace makes the last of some nodes another operator, and marks the others.
func (p pattern) replace(last *node, others []*node, gone map[*node]bool, op string, inputs ...string) {
	for _, n := range append(slices.Clone(others), last) {
		for _, name := range n.inputs {
			p.i.uses[name]--
		}
		gone[n] = n != last
	}
	for _, name := range inputs {
		p.i.uses[name]++
	}
	last.op, last.inputs, last.attributes = op, inputs, nil
}

// gelu follows the products around an Erf. It returns their x, the node that
// makes the result, and all others.
func (p pattern) gelu(erf *node) (x string, last *node, others []*node, ok bool) {
	scaled := p.maker(erf, 0)
	x, ok = p.by(scaled, math.Sqrt2, "Div")
	if !ok {
		x, ok = p.by(scaled, math.Sqrt2/2, "Mul")
	}
	if !ok || p.i.uses[scaled.output()] != 1 {
		return x, nil, nil, false
	}
	plus := p.reader(erf)
	if _, ok = p.by(plus, 1, "Add"); !ok {
		return x, nil, nil, false
	}
	first := p.reader(plus)
	if first == nil {
		return x, nil, nil, false
	}
	others = []*node{scaled, erf, plus}
	if p.half(first, plus.output()) { // x · (half of it)
		last = p.reader(first)
		return x, last, append(others, first), p.product(last, x, first.output())
	}
	if p.product(first, x, plus.output()) { // half of (x · it)
		last = p.reader(first)
		return x, last, append(others, first), last != nil && p.half(last, first.output())
	}
	for k := range first.inputs { // (half of x) · it
		half := p.maker(first, k)
		if half != nil && p.half(half, x) && p.product(first, half.output(), plus.output()) && p.i.uses[half.output()] == 1 {
			return x, first, append(others, half), true
		}
	}
	return x, nil, nil, false
}

func (p pattern) maker(n *node, k int) *node {
	if !n.has(k) {
		return nil
	}
	return p.makers[n.inputs[k]]
}

// reader is the one node that reads what n makes.
func (p pattern) reader(n *node) *node {
	if n == nil || p.i.uses[n.output()] != 1 || len(p.readers[n.output()]) != 1 {
		return nil
	}
	return p.readers[n.output()][0]
}

// half says whether a node is half of a value.
func (p pattern) half(n *node, of string) bool {
	x, ok := p.by(n, 0.5, "Mul")
	if !ok {
		x, ok = p.by(n, 2, "Div")
	}
	return ok && x == of
}

func (p pattern) product(n *node, a, b string) bool {
	return n != nil && n.op == "Mul" && len(n.inputs) == 2 &&
		(n.inputs[0] == a && n.inputs[1] == b || n.inputs[0] == b && n.inputs[1] == a)
}

// by is the other input of a node of this operator with this constant.
func (p pattern) by(n *node, want float64, op string) (string, bool) {
	if n == nil || n.op != op || len(n.inputs) != 2 {
		return "", false
	}
	for k := range 2 {
		other := 1 - k
		if k == 0 && op == "Div" {
			continue // x by the constant, not the constant by x
		}
		if v, ok := p.scalar(n.inputs[k]); ok && math.Abs(v-want) < 1e-6*want {
			return n.inputs[other], true
		}
	}
	return "", false
}

func (p pattern) scalar(name string) (float64, bool) {
	t := p.i.stored[name]
	if maker := p.makers[name]; t == nil && maker != nil && maker.op == "Constant" {
		if a := maker.attributes["value_float"]; a != nil {
			return float64(a.GetF()), true
		}
		if a := maker.attribute("value", schema.AttributeProto_TENSOR, "a tensor"); a != nil {
			t = a.T
		}
	}
	if t == nil {
		return 0, false
	}
	read, err := fromProto(t, p.i.folder)
	if err != nil {
		return 0, false
	}
	return read.scalar()
}

// erf is left where nothing of that form is around it.
func erf(*importer, *node) ([]value, error) {
	return nil, fmt.Errorf("dlbench has it as a part of GELU only: x·(1+erf(x/√2))/2")
}
