package network

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/dlbench/dlbench/workloads/names"
)

// operator is what dlbench knows of an ONNX operator: the attributes that it
// must have, what it takes, the shape that it makes and what it costs.
type operator struct {
	attributes []attribute
	inputs     arity  // activations
	parameters []Role // roles of the parameters, in order
	optional   int    // how many of the last parameters may be left out
	infer      func(application) ([]int, error)
	macs       func(a application, output []int) int64 // nil: none are counted
}

// arity bounds how many activations an operator takes.
type arity struct{ min, max int }

// application is one use of an operator, with shapes in the order of inputs.
type application struct {
	attributes  Attributes
	activations [][]int
	parameters  [][]int
}

// MaxExtent bounds every integer attribute and axis, far beyond any real
// network, so that no arithmetic on a hostile plan can overflow.
const MaxExtent = 1 << 24

// maxElements bounds a tensor's elements.
const maxElements = 1 << 36

var operators = map[string]operator{
	"Conv":                  conv,
	"ConvTranspose":         convTranspose,
	"BatchNormalization":    batchNormalization,
	"InstanceNormalization": instanceNormalization,
	"LayerNormalization":    layerNormalization,
	"LRN":                   lrn,
	"Relu":                  elementwise(),
	"LeakyRelu":             leakyRelu,
	"PRelu":                 pRelu,
	"Sigmoid":               elementwise(),
	"HardSigmoid":           hardSigmoid,
	"HardSwish":             hardSwish,
	"Gelu":                  gelu,
	"Clip":                  clip,
	"Dropout":               elementwise(attribute{name: "ratio", check: float(0, 1)}),
	"Softmax":               softmax,
	"Add":                   scaled,
	"Mul":                   scaled,
	"MaxPool":               maxPool,
	"AveragePool":           averagePool,
	"GlobalAveragePool":     globalAveragePool,
	"Resize":                resize,
	"Concat":                concat,
	"Flatten":               flatten,
	"Reshape":               reshape,
	"Slice":                 slice,
	"Transpose":             transpose,
	"Gemm":                  gemm,
}

// Operators returns the names of all operators that a network may use, sorted.
func Operators() []string {
	list := make([]string, 0, len(operators))
	for name := range operators {
		list = append(list, name)
	}
	sort.Strings(list)
	return list
}

func lookup(op string) (operator, error) {
	o, ok := operators[op]
	if !ok {
		return operator{}, names.Unknown("operator", op, Operators())
	}
	return o, nil
}

// attribute is one entry of an operator's schema; every attribute is required.
type attribute struct {
	name  string
	check func(value any) error
}

func (o operator) checkAttributes(a Attributes) error {
	known := make([]string, 0, len(o.attributes))
	for _, schema := range o.attributes {
		known = append(known, schema.name)
		value, ok := a[schema.name]
		if !ok {
			return fmt.Errorf("attribute %q is missing; every attribute has to be written", schema.name)
		}
		if err := schema.check(value); err != nil {
			return fmt.Errorf("attribute %q: %w", schema.name, err)
		}
	}
	return unknownAttribute(a, known)
}

func unknownAttribute(a Attributes, known []string) error {
	var extra []string
	for name := range a {
		if !slices.Contains(known, name) {
			extra = append(extra, name)
		}
	}
	if len(extra) == 0 {
		return nil
	}
	sort.Strings(extra)
	if len(known) == 0 {
		return fmt.Errorf("attribute %q is unknown; the operator has none", extra[0])
	}
	return fmt.Errorf("attribute %q is unknown; the operator has %s", extra[0], strings.Join(known, ", "))
}

// integer wants an int within [low, high].
func integer(low, high int) func(any) error {
	return func(value any) error {
		v, ok := value.(int)
		if !ok {
			return fmt.Errorf("%s, wants an int", describe(value))
		}
		if v < low || v > high {
			return fmt.Errorf("%d, wants an int %s", v, span(low, high))
		}
		return nil
	}
}

// perAxis wants a list of ints, each at least low, for the two spatial axes of an
// image or the three of a volume; which of them, the input's shape says. perSide
// has two for each axis: all at its beginning and then all at its end.
func perAxis(low int) func(any) error { return integers(2, 3, low) }

func perSide(value any) error { return integers(4, 6, 0)(value) }

// integers wants a list of so many ints of an image, or of a volume, each at
// least low.
func integers(ofImage, ofVolume, low int) func(any) error {
	return func(value any) error {
		list, ok := value.([]int)
		if !ok {
			return fmt.Errorf("%s, wants a list of %d or %d ints", describe(value), ofImage, ofVolume)
		}
		if len(list) != ofImage && len(list) != ofVolume {
			return fmt.Errorf("%v, wants %d or %d ints", list, ofImage, ofVolume)
		}
		for _, v := range list {
			if v < low || v > MaxExtent {
				return fmt.Errorf("%v, wants ints %s", list, span(low, MaxExtent))
			}
		}
		return nil
	}
}

// float wants a float64 within [low, high), finite.
func float(low, high float64) func(any) error {
	return func(value any) error {
		v, ok := value.(float64)
		if !ok {
			return fmt.Errorf("%s, wants a float (in JSON with a point or an exponent)", describe(value))
		}
		if math.IsNaN(v) || v < low || v >= high {
			return fmt.Errorf("%v, wants a float from %v to less than %v", v, low, high)
		}
		return nil
	}
}

// positive wants a finite float64 above zero.
func positive(value any) error {
	v, ok := value.(float64)
	if !ok {
		return fmt.Errorf("%s, wants a float (in JSON with a point or an exponent)", describe(value))
	}
	if !(v > 0) || math.IsInf(v, 0) {
		return fmt.Errorf("%v, wants a float above 0", v)
	}
	return nil
}

// exactly wants the one value that dlbench gives a meaning to.
func exactly(want any) func(any) error {
	return func(value any) error {
		if value != want {
			return fmt.Errorf("%s, wants %s", describe(value), describe(want))
		}
		return nil
	}
}

// oneOf wants one of the strings.
func oneOf(allowed ...string) func(any) error {
	return func(value any) error {
		v, ok := value.(string)
		if !ok || !slices.Contains(allowed, v) {
			return fmt.Errorf("%s, wants one of %q", describe(value), allowed)
		}
		return nil
	}
}

func describe(value any) string {
	switch v := value.(type) {
	case int:
		return fmt.Sprintf("int %d", v)
	case float64:
		return fmt.Sprintf("float %v", v)
	case string:
		return fmt.Sprintf("string %q", v)
	case []int:
		return fmt.Sprintf("list %v", v)
	}
	return fmt.Sprintf("%T", value)
}

func span(low, high int) string {
	if low == high {
		return fmt.Sprintf("of exactly %d", low)
	}
	if high >= MaxExtent {
		return fmt.Sprintf("of at least %d", low)
	}
	return fmt.Sprintf("from %d to %d", low, high)
}
