package plan

import (
	"fmt"
	"math"
	"slices"
)

// INT8 is the precision of inference in whole numbers of eight bits.
const INT8 = "int8"

// Quantization says where a network computes in whole numbers: the graph that ONNX
// writes with QuantizeLinear and DequantizeLinear. All scales are powers of two, so
// that sums of products and their rescaling are exact in float32, and one rounding
// to the nearest whole number, halves to even, is all that an activation suffers:
// honest runners agree to the last bit as long as operators have exact results.
type Quantization struct {
	Activations []QuantizedActivation `json:"activations"` // in the order in which they are made
	// Products are the nodes, convolutions and dense layers, that multiply whole
	// numbers: their weights are int8 with a scale for each output channel, the
	// least power of two that is no less than its largest weight ÷ 127 (that of the
	// whole tensor's if all of a channel's are zero), and their biases int32 with
	// the product of that scale and the input's.
	Products []string `json:"products"`
	// Folded are the batch normalisations that are part of the convolutions before
	// them, whose weights and biases are products of both.
	Folded []string `json:"folded"`
}

// QuantizedActivation is uint8: its values are scale · (whole number − zero point).
type QuantizedActivation struct {
	Name      string  `json:"name"`
	Scale     float64 `json:"scale"`      // a power of two
	ZeroPoint int     `json:"zero_point"` // 0, or 128 of what may be negative: even, so that halves round alike before and after it is added
}

// signedZero is the zero point of activations that may be negative.
const signedZero = 128

// Activation finds a quantised activation.
func (q *Quantization) Activation(name string) *QuantizedActivation {
	if i := slices.IndexFunc(q.Activations, func(a QuantizedActivation) bool { return a.Name == name }); i >= 0 {
		return &q.Activations[i]
	}
	return nil
}

// checkQuantization makes sure that it means one thing. A plan that trains has none
// in any precision: that int8 is of inference is the runners' refusal.
func (p *Plan) checkQuantization() error {
	q := p.Quantization
	if (p.Precision == INT8 && p.Mode == Infer) != (q != nil) {
		return fmt.Errorf("precision %s, mode %s and the field quantization do not go together", p.Precision, p.Mode)
	}
	if q == nil {
		return nil
	}
	g := graphOf(&p.Network)
	seen := map[string]bool{}
	for _, a := range q.Activations {
		if _, made := g.makers[a.Name]; !made && a.Name != p.Network.Input.Name {
			return fmt.Errorf("quantization.activations: %q is the output of no node", a.Name)
		}
		if seen[a.Name] {
			return fmt.Errorf("quantization.activations: %q is there twice", a.Name)
		}
		seen[a.Name] = true
		if fraction, _ := math.Frexp(a.Scale); fraction != 0.5 {
			return fmt.Errorf("quantization.activations: the scale of %q is %v, expected a power of two", a.Name, a.Scale)
		}
		if a.ZeroPoint != 0 && a.ZeroPoint != signedZero {
			return fmt.Errorf("quantization.activations: the zero point of %q is %d, expected 0 or %d", a.Name, a.ZeroPoint, signedZero)
		}
	}
	for _, name := range q.Products {
		n, ok := g.nodes[name]
		if !ok || n.Op != "Conv" && n.Op != "Gemm" {
			return fmt.Errorf("quantization.products: %q is no convolution or dense layer", name)
		}
		if !seen[n.Inputs[0]] {
			return fmt.Errorf("quantization.products: the input %q of %q is not quantised", n.Inputs[0], name)
		}
	}
	return nil
}

// Floating lists the nodes of a quantised plan that compute in float: those that
// have no whole form, and those of which no activation is quantised.
func (p *Plan) Floating() []string {
	g := graphOf(&p.Network)
	var names []string
	for _, n := range p.Network.Nodes {
		switch n.Op {
		case "Conv", "Gemm":
			if !slices.Contains(p.Quantization.Products, n.Name) {
				names = append(names, n.Name)
			}
		case "Add":
			if !g.joins(n) {
				names = append(names, n.Name)
			}
		case "Clip":
			if !rectifies(n) {
				names = append(names, n.Name)
			}
		case "Relu", "MaxPool", "AveragePool", "GlobalAveragePool", "Concat", "Flatten", "Reshape", "Slice", "Transpose", "Dropout":
		default:
			names = append(names, n.Name)
		}
	}
	return names
}
