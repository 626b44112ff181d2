package onnx

import (
	"fmt"
	"math"
	"slices"

	"github.com/dlbench/dlbench/workloads/onnx/schema"
)

// node is one of the file's.
type node struct {
	name            string
	op              string // with its domain where that is not ONNX's own
	inputs, outputs []string
	attributes      map[string]*schema.AttributeProto
	err             error // an attribute that is not of its type
}

func newNode(p *schema.NodeProto) *node {
	n := &node{name: p.GetName(), op: p.GetOpType(), inputs: p.Input, outputs: p.Output, attributes: map[string]*schema.AttributeProto{}}
	if d := p.GetDomain(); d != "" && d != "ai.onnx" {
		n.op = d + "." + n.op
	}
	for _, a := range p.Attribute {
		n.attributes[a.GetName()] = a
	}
	return n
}

// output is the name of the first output.
func (n *node) output() string {
	if len(n.outputs) == 0 {
		return ""
	}
	return n.outputs[0]
}

// label names the node for people: many files name outputs only.
func (n *node) label() string {
	if n.name != "" {
		return n.name
	}
	return n.output()
}

// has says whether an optional input is there.
func (n *node) has(k int) bool { return k < len(n.inputs) && n.inputs[k] != "" }

func (n *node) wrong(name, want string) {
	if n.err == nil {
		n.err = fmt.Errorf("attribute %q: wants %s", name, want)
	}
}

func (n *node) attribute(name string, kind schema.AttributeProto_AttributeType, want string) *schema.AttributeProto {
	a := n.attributes[name]
	if a == nil {
		return nil
	}
	if a.GetType() != kind && a.GetType() != schema.AttributeProto_UNDEFINED {
		n.wrong(name, want)
		return nil
	}
	return a
}

// extent keeps attributes far from where arithmetic overflows.
func (n *node) extent(name string, v int64) int {
	if v > math.MaxInt32 || v < -math.MaxInt32 {
		n.wrong(name, "numbers of at most 31 bits")
		return 0
	}
	return int(v)
}

func (n *node) int(name string, otherwise int) int {
	if a := n.attribute(name, schema.AttributeProto_INT, "an int"); a != nil {
		return n.extent(name, a.GetI())
	}
	return otherwise
}

func (n *node) float(name string, otherwise float64) float64 {
	if a := n.attribute(name, schema.AttributeProto_FLOAT, "a float"); a != nil {
		return shortest(a.GetF())
	}
	return otherwise
}

func (n *node) text(name, otherwise string) string {
	if a := n.attribute(name, schema.AttributeProto_STRING, "a string"); a != nil {
		return string(a.GetS())
	}
	return otherwise
}

// ints is nil if the attribute is absent.
func (n *node) ints(name string) []int {
	a := n.attribute(name, schema.AttributeProto_INTS, "a list of ints")
	if a == nil {
		return nil
	}
	out := make([]int, len(a.Ints))
	for k, v := range a.Ints {
		out[k] = n.extent(name, v)
	}
	return out
}

// perAxis is a list of one int for each spatial axis.
func (n *node) perAxis(name string, axes, otherwise int) []int {
	list := n.ints(name)
	if list != nil && len(list) != axes {
		n.wrong(name, fmt.Sprintf("%d ints, it has %v", axes, list))
		list = nil
	}
	if list == nil {
		return slices.Repeat([]int{otherwise}, axes)
	}
	return list
}
