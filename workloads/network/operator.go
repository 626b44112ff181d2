package network

import (
	"fmt"
	"slices"
	"strings"
)

// operator is one row of the vocabulary: ONNX's name, its attributes (all of
// them have to be written), how many activations and parameters it takes, and
// how its output's shape follows.
type operator struct {
	attributes  map[string]kind
	activations [2]int // fewest, most; most 0 is any number
	parameters  [2]int
	shape       func(n *Node, x [][]int, p [][]int) ([]int, error)
	macs        func(n *Node, x [][]int, p [][]int) int64 // of the whole batch; nil is none
}

// kind is the type of an attribute and the check of its value.
type kind struct {
	name  string
	valid func(any) bool
}

var (
	positive     = kind{"a positive integer", func(v any) bool { i, ok := v.(int); return ok && i > 0 }}
	anyInt       = kind{"an integer", func(v any) bool { _, ok := v.(int); return ok }}
	flag         = kind{"0 or 1", func(v any) bool { i, ok := v.(int); return ok && (i == 0 || i == 1) }}
	number       = kind{"a float", func(v any) bool { _, ok := v.(float64); return ok }}
	positivePair = kind{"two positive integers", func(v any) bool { return ints(v, 2, 1) }}
	pair         = kind{"two integers of at least 0", func(v any) bool { return ints(v, 2, 0) }}
	fourPads     = kind{"four integers of at least 0 [top, left, bottom, right]", func(v any) bool { return ints(v, 4, 0) }}
	fraction     = kind{"a float from 0 to 1", func(v any) bool { f, ok := v.(float64); return ok && f >= 0 && f <= 1 }}
	positiveNum  = kind{"a positive float", func(v any) bool { f, ok := v.(float64); return ok && f > 0 }}
)

func one(of ...string) kind {
	return kind{"one of " + strings.Join(of, ", "), func(v any) bool { s, ok := v.(string); return ok && slices.Contains(of, s) }}
}

func exactly(want int) kind {
	return kind{fmt.Sprint(want), func(v any) bool { i, ok := v.(int); return ok && i == want }}
}

func ints(v any, length, least int) bool {
	list, ok := v.([]int)
	return ok && len(list) == length && slices.Min(list) >= least
}

// operators is the vocabulary. The meaning of each is ONNX's, opset 17
// (https://onnx.ai/onnx/operators/).
var operators = map[string]operator{
	"Conv": {
		attributes:  map[string]kind{"kernel_shape": positivePair, "strides": positivePair, "pads": fourPads, "dilations": positivePair, "group": positive},
		activations: [2]int{1, 1}, parameters: [2]int{1, 2}, shape: convShape, macs: convMACs,
	},
	"ConvTranspose": {
		attributes:  map[string]kind{"kernel_shape": positivePair, "strides": positivePair, "pads": fourPads, "dilations": positivePair, "group": positive, "output_padding": pair},
		activations: [2]int{1, 1}, parameters: [2]int{1, 2}, shape: convTransposeShape, macs: convTransposeMACs,
	},
	"BatchNormalization": {
		attributes:  map[string]kind{"epsilon": positiveNum, "momentum": fraction},
		activations: [2]int{1, 1}, parameters: [2]int{4, 4}, shape: batchNormShape,
	},
	"Relu":    {activations: [2]int{1, 1}, shape: sameShape},
	"Sigmoid": {activations: [2]int{1, 1}, shape: sameShape},
	"Clip":    {attributes: map[string]kind{"min": number, "max": number}, activations: [2]int{1, 1}, shape: sameShape},
	"MaxPool": {
		attributes:  map[string]kind{"kernel_shape": positivePair, "strides": positivePair, "pads": fourPads, "dilations": positivePair, "ceil_mode": flag},
		activations: [2]int{1, 1}, shape: poolShape,
	},
	"AveragePool": {
		attributes:  map[string]kind{"kernel_shape": positivePair, "strides": positivePair, "pads": fourPads, "ceil_mode": flag, "count_include_pad": flag},
		activations: [2]int{1, 1}, shape: poolShape,
	},
	"GlobalAveragePool": {activations: [2]int{1, 1}, shape: globalPoolShape},
	"Add":               {activations: [2]int{2, 2}, shape: broadcastShape},
	"Mul":               {activations: [2]int{2, 2}, shape: broadcastShape},
	"Concat":            {attributes: map[string]kind{"axis": exactly(1)}, activations: [2]int{1, 0}, shape: concatShape},
	"Flatten":           {attributes: map[string]kind{"axis": exactly(1)}, activations: [2]int{1, 1}, shape: flattenShape},
	"Gemm": {
		attributes:  map[string]kind{"alpha": number, "beta": number, "transA": exactly(0), "transB": exactly(1)},
		activations: [2]int{1, 1}, parameters: [2]int{2, 2}, shape: gemmShape, macs: gemmMACs,
	},
	"LRN":     {attributes: map[string]kind{"alpha": number, "beta": number, "bias": number, "size": positive}, activations: [2]int{1, 1}, shape: sameShape},
	"Dropout": {attributes: map[string]kind{"ratio": fraction}, activations: [2]int{1, 1}, shape: sameShape},
	"Resize": {
		attributes: map[string]kind{"mode": one("nearest", "linear"), "scales_h": positive, "scales_w": positive,
			"coordinate_transformation_mode": one("half_pixel", "asymmetric"), "nearest_mode": one("floor")},
		activations: [2]int{1, 1}, shape: resizeShape,
	},
	"Softmax": {attributes: map[string]kind{"axis": anyInt}, activations: [2]int{1, 1}, shape: softmaxShape},
}

// Operators lists the vocabulary, sorted.
func Operators() []string {
	names := make([]string, 0, len(operators))
	for name := range operators {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// checkAttributes wants every attribute of the operator, each of its kind, and
// no other.
func (o operator) checkAttributes(n *Node) error {
	for name, kind := range o.attributes {
		value, ok := n.Attributes[name]
		if !ok {
			return fmt.Errorf("%s needs the attribute %q", n.Op, name)
		}
		if !kind.valid(value) {
			return fmt.Errorf("attribute %q is %v, expected %s", name, value, kind.name)
		}
	}
	for name := range n.Attributes {
		if _, ok := o.attributes[name]; !ok {
			return fmt.Errorf("%s has no attribute %q", n.Op, name)
		}
	}
	return nil
}
