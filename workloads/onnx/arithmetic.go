package onnx

import (
	"fmt"
	"math"
	"slices"

	"github.com/dlbench/dlbench/workloads/onnx/schema"
)

// What files do with few known numbers, to find a shape, a scale or pads. All of
// it is done here, because the batch and the images' size are known.

func known(t *tensor) value { return value{constant: t, shape: t.dims} }

// realNumbers is a tensor of few floating-point numbers.
func realNumbers(dims []int, values []float32) *tensor {
	return &tensor{dims: dims, stored: &stored{list: values}}
}

// few are a tensor's numbers, if it has as many as a shape.
func (t *tensor) few() ([]float32, error) {
	if t.count() > mostShape {
		return nil, fmt.Errorf("of %d known numbers, wants at most %d", t.count(), mostShape)
	}
	return t.floats()
}

// ofConstants is an operator on two constants, element by element.
func ofConstants(op string, x, y *tensor) ([]value, error) {
	if x.isInts() != y.isInts() {
		return nil, fmt.Errorf("of whole numbers and others")
	}
	dims, err := together(x.dims, y.dims)
	if err != nil {
		return nil, err
	}
	if x.isInts() {
		if op == "Div" && slices.Contains(y.ints, 0) {
			return nil, fmt.Errorf("it divides by 0")
		}
		return []value{known(&tensor{dims: dims, ints: pairwise(op, x.ints, y.ints, elements(dims))})}, nil
	}
	a, err := x.few()
	if err != nil {
		return nil, err
	}
	b, err := y.few()
	if err != nil {
		return nil, err
	}
	return []value{known(realNumbers(dims, pairwise(op, a, b, elements(dims))))}, nil
}

// together is the shape of two constants of one shape, or of one and a number.
func together(x, y []int) ([]int, error) {
	large, small := x, y
	if elements(y) > elements(x) || elements(y) == elements(x) && len(y) > len(x) {
		large, small = y, x
	}
	if n := elements(large); n < 1 || n > mostShape || elements(small) != 1 && !slices.Equal(small, large) {
		return nil, fmt.Errorf("of constants %v and %v", x, y)
	}
	return append(slices.Repeat([]int{1}, max(len(small)-len(large), 0)), large...), nil
}

func pairwise[T int64 | float32](op string, x, y []T, n int) []T {
	out := make([]T, n)
	for k := range out {
		switch a, b := x[k%len(x)], y[k%len(y)]; op {
		case "Add":
			out[k] = a + b
		case "Sub":
			out[k] = a - b
		case "Mul":
			out[k] = a * b
		case "Div":
			out[k] = a / b
		}
	}
	return out
}

// rounded is of known numbers only.
func rounded(f func(float64) float64) translator {
	return func(i *importer, n *node) ([]value, error) {
		t, err := i.weight(n, 0)
		if err != nil {
			return nil, err
		}
		values, err := t.few()
		if err != nil {
			return nil, err
		}
		out := make([]float32, len(values))
		for k, v := range values {
			out[k] = float32(f(float64(v)))
		}
		return []value{known(realNumbers(t.dims, out))}, nil
	}
}

// cast between types of floating-point numbers is left out: the workload says in
// which precision is computed. Of known numbers whole ones become others, and the
// other way about.
func cast(i *importer, n *node) ([]value, error) {
	v, err := i.get(n, 0)
	if err != nil {
		return nil, err
	}
	to := schema.TensorProto_DataType(n.int("to", 0))
	isWhole := v.known() && v.constant.isInts()
	toWhole := to == schema.TensorProto_INT64 || to == schema.TensorProto_INT32
	switch kind := floats[to]; {
	case !isWhole && kind != nil:
		if to != schema.TensorProto_FLOAT {
			i.foldNode(n, "to %s is left out: all is computed in float32, or in the workload's precision", kind.name)
		}
		return []value{v}, nil
	case isWhole && toWhole:
		return []value{v}, nil
	case isWhole && kind != nil:
		return v.constant.widened()
	case v.known() && toWhole:
		return v.constant.cutOff()
	}
	return nil, fmt.Errorf("to type %d, dlbench computes in float32", int(to))
}

// widened are whole numbers as others.
func (t *tensor) widened() ([]value, error) {
	if len(t.ints) > mostShape {
		return nil, fmt.Errorf("of %d whole numbers, wants at most %d", len(t.ints), mostShape)
	}
	out := make([]float32, len(t.ints))
	for k, v := range t.ints {
		out[k] = float32(v)
	}
	return []value{known(realNumbers(t.dims, out))}, nil
}

// cutOff are numbers as whole ones: what is behind the point goes.
func (t *tensor) cutOff() ([]value, error) {
	values, err := t.few()
	if err != nil {
		return nil, err
	}
	out := make([]int64, len(values))
	for k, v := range values {
		if !(math.Abs(float64(v)) < 1<<53) {
			return nil, fmt.Errorf("%v is no whole number of 53 bits", v)
		}
		out[k] = int64(v)
	}
	return []value{known(&tensor{dims: t.dims, ints: out})}, nil
}

// part is what Slice leaves of known whole numbers.
func (t *tensor) part(c cut) (*tensor, error) {
	if !t.isInts() || len(t.ints) > mostShape {
		return nil, fmt.Errorf("of constants, dlbench slices shapes only")
	}
	if c.step == 0 {
		return nil, fmt.Errorf("in steps of 0")
	}
	length := t.dims[c.axis]
	places, inner := c.places(length), elements(t.dims[c.axis+1:])
	dims := slices.Clone(t.dims)
	dims[c.axis] = len(places)
	out := []int64{}
	for before := range elements(t.dims[:c.axis]) {
		for _, place := range places {
			from := (before*length + place) * inner
			out = append(out, t.ints[from:from+inner]...)
		}
	}
	return &tensor{dims: dims, ints: out}, nil
}

// places are those of an axis that a Slice takes, in its order.
func (c cut) places(length int) []int {
	var out []int
	if c.step > 0 {
		for k := bounded(c.start, length); k < bounded(c.end, length); k += c.step {
			out = append(out, k)
		}
		return out
	}
	for k := backwards(c.start, length); k > backwards(c.end, length); k += c.step {
		out = append(out, k)
	}
	return out
}

// backwards is bounded for steps towards the beginning, which go to before 0.
func backwards(k, length int) int {
	if k < 0 {
		k += length
	}
	return min(max(k, -1), length-1)
}

// concatKnown joins shapes, or few other numbers.
func concatKnown(parts []value) ([]value, error) {
	whole, others := []int64{}, []float32{}
	for _, v := range parts {
		if len(v.shape) != 1 || len(whole)+len(others)+v.constant.count() > mostShape || v.constant.isInts() != parts[0].constant.isInts() {
			return nil, fmt.Errorf("of constants, dlbench joins shapes only")
		}
		if v.constant.isInts() {
			whole = append(whole, v.constant.ints...)
			continue
		}
		values, err := v.constant.few()
		if err != nil {
			return nil, err
		}
		others = append(others, values...)
	}
	if parts[0].constant.isInts() {
		return []value{known(ints(whole...))}, nil
	}
	return []value{known(realNumbers([]int{len(others)}, others))}, nil
}
