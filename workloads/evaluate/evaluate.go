// Package evaluate computes a network's forward pass in float64, without a
// runner: what calibrating int8 needs before there is any, and what tests hold
// imported files against. Parity is never judged by it: that is the reference's.
package evaluate

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

	"github.com/dlbench/dlbench/workloads/network"
)

// Run computes a checked network on one batch. Visit sees every activation as soon
// as it is there, the input first, in the order of nodes. What no later node reads
// is let go of.
func Run(net *network.Network, parameter func(string) ([]float32, error), input []float64, visit func(name string, values []float64)) error {
	if want := count(net.Input.Shape); len(input) != want {
		return fmt.Errorf("network %q: the input has %d elements, expected %d of %v", net.Name, len(input), want, net.Input.Shape)
	}
	e := evaluator{map[string][]float64{net.Input.Name: input}, map[string][]int{net.Input.Name: net.Input.Shape}}
	for _, p := range net.Parameters {
		e.shapes[p.Name] = p.Shape
	}
	visit(net.Input.Name, input)
	last := lastUses(net)
	for i, n := range net.Nodes {
		if err := e.take(n, parameter); err != nil {
			return fmt.Errorf("node %q: %w", n.Name, err)
		}
		out, err := e.node(n)
		if err != nil {
			return fmt.Errorf("node %q: %w", n.Name, err)
		}
		e.values[n.Output], e.shapes[n.Output] = out, n.Shape
		visit(n.Output, out)
		for _, name := range n.Inputs {
			if last[name] == i {
				delete(e.values, name)
			}
		}
	}
	return nil
}

// lastUses are the nodes after which a value is not read any more.
func lastUses(net *network.Network) map[string]int {
	last := map[string]int{}
	for i, n := range net.Nodes {
		for _, name := range n.Inputs {
			last[name] = i
		}
	}
	return last
}

type evaluator struct {
	values map[string][]float64
	shapes map[string][]int
}

// take reads the parameters of a node.
func (e *evaluator) take(n network.Node, parameter func(string) ([]float32, error)) error {
	for _, name := range n.Inputs {
		if _, there := e.values[name]; there {
			continue
		}
		values, err := parameter(name)
		if err != nil {
			return err
		}
		wide := make([]float64, len(values))
		for k, v := range values {
			wide[k] = float64(v)
		}
		e.values[name] = wide
	}
	return nil
}

func count(shape []int) int { return int(network.Elements(shape)) }

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
	y := make([]float64, 0, count(n.Shape))
	if slices.Equal(e.shapes[p], e.shapes[q]) {
		for k, v := range e.values[p] {
			y = append(y, f(v, e.values[q][k]))
		}
		return y
	}
	at(n.Shape, func(index []int) {
		y = append(y, f(e.values[p][place(e.shapes[p], index)], e.values[q][place(e.shapes[q], index)]))
	})
	return y
}

// instanceNorm takes each channel of each image by itself.
func (e *evaluator) instanceNorm(n network.Node) []float64 {
	size := count(n.Shape[2:])
	return e.normalised(n, size, func(k int) int { return k / size % n.Shape[1] })
}

// normalised takes so many numbers in a row together; channel is the place of a
// number's scale and bias.
func (e *evaluator) normalised(n network.Node, size int, channel func(k int) int) []float64 {
	x, scale, bias := e.values[n.Inputs[0]], e.values[n.Inputs[1]], e.values[n.Inputs[2]]
	y := make([]float64, len(x))
	for from := 0; from < len(x); from += size {
		mean, square := moments(x[from : from+size])
		for k := from; k < from+size; k++ {
			y[k] = (x[k]-mean)/math.Sqrt(square+n.Attributes.Float("epsilon"))*scale[channel(k)] + bias[channel(k)]
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
	x, size := e.values[n.Inputs[0]], count(n.Shape[2:])
	y := make([]float64, len(x))
	for from := 0; from < len(x); from += size {
		c := from / size % n.Shape[1]
		factor := p(1, c) / math.Sqrt(p(4, c)+n.Attributes.Float("epsilon"))
		for k := from; k < from+size; k++ {
			y[k] = (x[k]-p(3, c))*factor + p(2, c)
		}
	}
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
	images, out, in := n.Shape[0], n.Shape[1], e.shapes[n.Inputs[1]][1]
	y := make([]float64, images*out)
	if len(n.Inputs) > 2 {
		for k := range y {
			y[k] = e.values[n.Inputs[2]][k%out]
		}
	}
	a := n.Attributes
	blas64.Gemm(blas.NoTrans, blas.Trans, a.Float("alpha"), matrix(images, in, e.values[n.Inputs[0]]), matrix(out, in, e.values[n.Inputs[1]]),
		a.Float("beta"), matrix(images, out, y))
	return y
}

func matrix(rows, columns int, data []float64) blas64.General {
	return blas64.General{Rows: rows, Cols: columns, Stride: columns, Data: data}
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
	y := make([]float64, 0, count(n.Shape))
	for outer := range count(n.Shape[:axis]) {
		for _, part := range n.Inputs {
			size := count(e.shapes[part][axis:])
			y = append(y, e.values[part][outer*size:(outer+1)*size]...)
		}
	}
	return y
}

func (e *evaluator) layerNorm(n network.Node) []float64 {
	size := len(e.values[n.Inputs[1]])
	return e.normalised(n, size, func(k int) int { return k % size })
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
