package onnx_test

import (
	"fmt"
	"math"

	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/onnx"
)

// evaluator computes a network in float64 by loops that anyone can check, so
// that what came in can be held against what ONNX Runtime says of the file.
type evaluator struct {
	values map[string][]float64
	shapes map[string][]int
}

// evaluate returns the network's outputs by name.
func evaluate(m *onnx.Model, input []float64) (map[string][]float64, error) {
	all, err := activations(m.Network, m.Values, input)
	if err != nil {
		return nil, err
	}
	out := map[string][]float64{}
	for _, name := range m.Network.Outputs {
		out[name] = all[name]
	}
	return out, nil
}

// activations returns all that a network computes, by name.
func activations(net *network.Network, parameter func(string) ([]float32, error), input []float64) (map[string][]float64, error) {
	e := evaluator{map[string][]float64{"input": input}, map[string][]int{"input": net.Input.Shape}}
	for _, p := range net.Parameters {
		values, err := parameter(p.Name)
		if err != nil {
			return nil, err
		}
		wide := make([]float64, len(values))
		for k, v := range values {
			wide[k] = float64(v)
		}
		e.values[p.Name], e.shapes[p.Name] = wide, p.Shape
	}
	for _, n := range net.Nodes {
		out, err := e.node(n)
		if err != nil {
			return nil, fmt.Errorf("node %q: %w", n.Name, err)
		}
		e.values[n.Output], e.shapes[n.Output] = out, n.Shape
	}
	return e.values, nil
}

func count(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

func (e *evaluator) node(n network.Node) ([]float64, error) {
	x := e.values[n.Inputs[0]]
	each := func(f func(float64) float64) []float64 {
		y := make([]float64, len(x))
		for k, v := range x {
			y[k] = f(v)
		}
		return y
	}
	a := n.Attributes
	switch n.Op {
	case "Relu":
		return each(func(v float64) float64 { return max(v, 0) }), nil
	case "Sigmoid":
		return each(func(v float64) float64 { return 1 / (1 + math.Exp(-v)) }), nil
	case "Clip":
		return each(func(v float64) float64 { return min(max(v, a.Float("min")), a.Float("max")) }), nil
	case "LeakyRelu":
		return each(func(v float64) float64 { return max(v, 0) + a.Float("alpha")*min(v, 0) }), nil
	case "HardSigmoid":
		return each(func(v float64) float64 { return max(0, min(1, a.Float("alpha")*v+a.Float("beta"))) }), nil
	case "HardSwish":
		return each(func(v float64) float64 { return v * max(0, min(1, v/6+0.5)) }), nil
	case "Gelu":
		if a.String("approximate") == "tanh" {
			return each(func(v float64) float64 {
				return v / 2 * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(v+0.044715*v*v*v)))
			}), nil
		}
		return each(func(v float64) float64 { return v / 2 * math.Erfc(-v/math.Sqrt2) }), nil
	case "PRelu":
		return e.broadcast(n, func(v, slope float64) float64 { return max(v, 0) + slope*min(v, 0) }), nil
	case "LayerNormalization":
		return e.layerNorm(n), nil
	case "Transpose":
		return e.transpose(n), nil
	case "Slice":
		return e.slice(n), nil
	case "Flatten", "Dropout", "Reshape":
		return x, nil
	case "Add":
		return e.broadcast(n, func(p, q float64) float64 { return p + q }), nil
	case "Mul":
		return e.broadcast(n, func(p, q float64) float64 { return p * q }), nil
	case "Conv":
		return e.conv(n), nil
	case "ConvTranspose":
		return e.convTranspose(n), nil
	case "MaxPool", "AveragePool":
		return e.pool(n), nil
	case "GlobalAveragePool":
		return e.mean(n), nil
	case "BatchNormalization":
		return e.batchNorm(n), nil
	case "LRN":
		return e.lrn(n), nil
	case "Gemm":
		return e.gemm(n), nil
	case "Softmax":
		return e.softmax(n), nil
	case "Concat":
		return e.concat(n), nil
	case "Resize":
		return e.resize(n), nil
	case "InstanceNormalization":
		return e.instanceNorm(n), nil
	}
	return nil, fmt.Errorf("the evaluator has no %s", n.Op)
}

// at visits every index of a shape.
func at(shape []int, visit func(index []int)) {
	index := make([]int, len(shape))
	for range count(shape) {
		visit(index)
		for k := len(shape) - 1; k >= 0; k-- {
			if index[k]++; index[k] < shape[k] {
				break
			}
			index[k] = 0
		}
	}
}

// place is an index's place in a shape that may broadcast from the left.
func place(shape, index []int) int {
	k, skip := 0, len(index)-len(shape)
	for axis, d := range shape {
		if at := index[axis+skip]; d > 1 {
			k = k*d + at
		}
	}
	return k
}

func (e *evaluator) broadcast(n network.Node, f func(p, q float64) float64) []float64 {
	p, q := n.Inputs[0], n.Inputs[1]
	var y []float64
	at(n.Shape, func(index []int) {
		y = append(y, f(e.values[p][place(e.shapes[p], index)], e.values[q][place(e.shapes[q], index)]))
	})
	return y
}

// instanceNorm takes each channel of each image by itself.
func (e *evaluator) instanceNorm(n network.Node) []float64 {
	x, scale, bias := e.values[n.Inputs[0]], e.values[n.Inputs[1]], e.values[n.Inputs[2]]
	size := count(n.Shape[2:])
	y := make([]float64, len(x))
	for from := 0; from < len(x); from += size {
		mean, square := moments(x[from : from+size])
		for k := range size {
			channel := from / size % n.Shape[1]
			y[from+k] = (x[from+k]-mean)/math.Sqrt(square+n.Attributes.Float("epsilon"))*scale[channel] + bias[channel]
		}
	}
	return y
}

// moments are the mean of numbers and their mean square around it.
func moments(x []float64) (mean, square float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		square += (v - mean) * (v - mean) / float64(len(x))
	}
	return mean, square
}

func (e *evaluator) batchNorm(n network.Node) []float64 {
	p := func(k, c int) float64 { return e.values[n.Inputs[k]][c] }
	var y []float64
	at(n.Shape, func(i []int) {
		v := e.values[n.Inputs[0]][len(y)]
		y = append(y, (v-p(3, i[1]))/math.Sqrt(p(4, i[1])+n.Attributes.Float("epsilon"))*p(1, i[1])+p(2, i[1]))
	})
	return y
}

func (e *evaluator) lrn(n network.Node) []float64 {
	a, s := n.Attributes, n.Shape
	x := e.values[n.Inputs[0]]
	var y []float64
	at(s, func(i []int) {
		sum, half := 0.0, (a.Int("size")-1)/2
		for c := max(0, i[1]-half); c <= min(s[1]-1, i[1]+half); c++ {
			v := x[offset(s, []int{i[0], c, i[2], i[3]})]
			sum += v * v
		}
		y = append(y, x[len(y)]/math.Pow(a.Float("bias")+a.Float("alpha")/float64(a.Int("size"))*sum, a.Float("beta")))
	})
	return y
}

func (e *evaluator) gemm(n network.Node) []float64 {
	x, w := e.values[n.Inputs[0]], e.values[n.Inputs[1]]
	in := e.shapes[n.Inputs[1]][1]
	var y []float64
	at(n.Shape, func(o []int) {
		sum := 0.0
		if len(n.Inputs) > 2 {
			sum = e.values[n.Inputs[2]][o[1]]
		}
		for k := range in {
			sum += x[o[0]*in+k] * w[o[1]*in+k]
		}
		y = append(y, sum)
	})
	return y
}

func (e *evaluator) softmax(n network.Node) []float64 {
	axis, x := n.Attributes.Int("axis"), e.values[n.Inputs[0]]
	sums := n.Shape[:axis:axis]
	sums = append(append(sums, 1), n.Shape[axis+1:]...)
	total := make([]float64, count(sums))
	at(n.Shape, func(i []int) { total[place(sums, i)] += math.Exp(x[place(n.Shape, i)]) })
	var y []float64
	at(n.Shape, func(i []int) { y = append(y, math.Exp(x[place(n.Shape, i)])/total[place(sums, i)]) })
	return y
}

func (e *evaluator) concat(n network.Node) []float64 {
	axis := n.Attributes.Int("axis")
	var y []float64
	at(n.Shape, func(o []int) {
		i := append([]int{}, o...)
		for _, part := range n.Inputs {
			if shape := e.shapes[part]; i[axis] < shape[axis] {
				k := 0
				for a, d := range shape {
					k = k*d + i[a]
				}
				y = append(y, e.values[part][k])
				return
			}
			i[axis] -= e.shapes[part][axis]
		}
	})
	return y
}

func (e *evaluator) layerNorm(n network.Node) []float64 {
	x, scale, bias := e.values[n.Inputs[0]], e.values[n.Inputs[1]], e.values[n.Inputs[2]]
	y := make([]float64, len(x))
	size := len(scale)
	for from := 0; from < len(x); from += size {
		mean, square := moments(x[from : from+size])
		for k := range size {
			y[from+k] = (x[from+k]-mean)/math.Sqrt(square+n.Attributes.Float("epsilon"))*scale[k] + bias[k]
		}
	}
	return y
}

func (e *evaluator) transpose(n network.Node) []float64 {
	xs, perm := e.shapes[n.Inputs[0]], n.Attributes.Ints("perm")
	var y []float64
	from := make([]int, len(perm))
	at(n.Shape, func(o []int) {
		for k, axis := range perm {
			from[axis] = o[k]
		}
		y = append(y, e.values[n.Inputs[0]][place(xs, from)])
	})
	return y
}

func (e *evaluator) slice(n network.Node) []float64 {
	axis, start := n.Attributes.Int("axis"), n.Attributes.Int("start")
	var y []float64
	at(n.Shape, func(o []int) {
		from := append([]int{}, o...)
		from[axis] += start
		y = append(y, e.values[n.Inputs[0]][place(e.shapes[n.Inputs[0]], from)])
	})
	return y
}
