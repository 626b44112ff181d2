package onnx_test

import (
	"math"
	"slices"

	"github.com/dlbench/dlbench/workloads/network"
)

// What slides over images and volumes, in as many axes as they have.

// offset is an index's place in a shape.
func offset(shape, index []int) int {
	k, _ := locate(shape, index)
	return k
}

// locate is an index's place in a shape, if it lies within.
func locate(shape, index []int) (int, bool) {
	k := 0
	for axis, d := range shape {
		if index[axis] < 0 || index[axis] >= d {
			return 0, false
		}
		k = k*d + index[axis]
	}
	return k, true
}

// window is what slides: its place behind the channels is that of its cells.
type window struct{ strides, pads, dilations []int }

func windowOf(a network.Attributes) window {
	w := window{a.Ints("strides"), a.Ints("pads"), a.Ints("dilations")}
	if w.dilations == nil {
		w.dilations = slices.Repeat([]int{1}, len(w.strides))
	}
	return w
}

// under fills in the place behind the channels where cell k of the window at
// place o lies.
func (w window) under(place, o, k []int) {
	for axis := range o {
		place[axis] = o[axis]*w.strides[axis] - w.pads[axis] + k[axis]*w.dilations[axis]
	}
}

// run is a part of the last axis over which a cell of the window lies within: where
// it begins in the places of the window, where in what the window slides over, and
// how many places it has.
type run struct{ place, under, length int }

// runs are those of every cell of the kernel, for all places of the window.
func (w window) runs(places, over, kernel []int) [][]run {
	var all [][]run
	last := len(places) - 1
	stride, under := w.strides[last], make([]int, last)
	at(kernel, func(k []int) {
		var of []run
		shift := k[last]*w.dilations[last] - w.pads[last]
		low, high := 0, places[last]
		for low < high && low*stride+shift < 0 {
			low++
		}
		for low < high && (high-1)*stride+shift >= over[last] {
			high--
		}
		at(places[:last], func(o []int) {
			w.under(under, o, k[:last])
			if row, ok := locate(over[:last], under); ok && low < high {
				of = append(of, run{offset(places[:last], o)*places[last] + low, row*over[last] + low*stride + shift, high - low})
			}
		})
		all = append(all, of)
	})
	return all
}

// conv adds up what each cell of the kernels sees, in the order of the cells.
func (e *evaluator) conv(n network.Node) []float64 {
	x, w, slides := e.values[n.Inputs[0]], e.values[n.Inputs[1]], windowOf(n.Attributes)
	xs, ws := e.shapes[n.Inputs[0]], e.shapes[n.Inputs[1]]
	outs, size, read := n.Shape[1]/n.Attributes.Int("group"), count(n.Shape[2:]), count(xs[2:])
	runs, stride := slides.runs(n.Shape[2:], xs[2:], ws[2:]), slides.strides[len(slides.strides)-1]
	y := make([]float64, count(n.Shape))
	at(n.Shape[:2], func(o []int) {
		to := y[offset(n.Shape[:2], o)*size:][:size]
		if len(n.Inputs) > 2 {
			for k := range to {
				to[k] = e.values[n.Inputs[2]][o[1]]
			}
		}
		for channel := range ws[1] {
			from := x[(o[0]*xs[1]+o[1]/outs*ws[1]+channel)*read:][:read]
			for k, of := range runs {
				weight := w[(o[1]*ws[1]+channel)*len(runs)+k]
				for _, r := range of {
					for j := range r.length {
						to[r.place+j] += from[r.under+j*stride] * weight
					}
				}
			}
		}
	})
	return y
}

// convTranspose is the other way: the window's places are those of the input.
func (e *evaluator) convTranspose(n network.Node) []float64 {
	x, w, slides := e.values[n.Inputs[0]], e.values[n.Inputs[1]], windowOf(n.Attributes)
	xs, ws := e.shapes[n.Inputs[0]], e.shapes[n.Inputs[1]]
	ins, size, read := xs[1]/n.Attributes.Int("group"), count(n.Shape[2:]), count(xs[2:])
	runs, stride := slides.runs(xs[2:], n.Shape[2:], ws[2:]), slides.strides[len(slides.strides)-1]
	y := make([]float64, count(n.Shape))
	at(xs[:2], func(i []int) {
		from := x[offset(xs[:2], i)*read:][:read]
		for channel := range ws[1] {
			to := y[(i[0]*n.Shape[1]+i[1]/ins*ws[1]+channel)*size:][:size]
			for k, of := range runs {
				weight := w[(i[1]*ws[1]+channel)*len(runs)+k]
				for _, r := range of {
					for j := range r.length {
						to[r.under+j*stride] += from[r.place+j] * weight
					}
				}
			}
		}
	})
	if len(n.Inputs) > 2 {
		at(n.Shape, func(o []int) { y[offset(n.Shape, o)] += e.values[n.Inputs[2]][o[1]] })
	}
	return y
}

func (e *evaluator) pool(n network.Node) []float64 {
	x, a, slides := e.values[n.Inputs[0]], n.Attributes, windowOf(n.Attributes)
	xs, kernel := e.shapes[n.Inputs[0]], a.Ints("kernel_shape")
	from := make([]int, len(xs))
	var y []float64
	at(n.Shape, func(o []int) {
		high, sum, cells, padded := math.Inf(-1), 0.0, 0, 0
		copy(from, o[:2])
		at(kernel, func(k []int) {
			slides.under(from[2:], o[2:], k)
			counted := true
			for axis := range kernel {
				counted = counted && from[2+axis] < xs[2+axis]+slides.pads[len(kernel)+axis]
			}
			if counted {
				padded++
			}
			if place, ok := locate(xs, from); ok {
				high, sum, cells = max(high, x[place]), sum+x[place], cells+1
			}
		})
		switch {
		case n.Op == "MaxPool":
			y = append(y, high)
		case a.Int("count_include_pad") == 1:
			y = append(y, sum/float64(padded))
		default:
			y = append(y, sum/float64(cells))
		}
	})
	return y
}

func (e *evaluator) mean(n network.Node) []float64 {
	xs := e.shapes[n.Inputs[0]]
	y := make([]float64, xs[0]*xs[1])
	at(xs, func(i []int) {
		y[i[0]*xs[1]+i[1]] += e.values[n.Inputs[0]][offset(xs, i)] / float64(count(xs[2:]))
	})
	return y
}

// resize weighs the neighbours of a place along each axis.
func (e *evaluator) resize(n network.Node) []float64 {
	xs, a := e.shapes[n.Inputs[0]], n.Attributes
	var y []float64
	at(n.Shape, func(o []int) {
		sum := 0.0
		at(slices.Repeat([]int{2}, len(o)-2), func(side []int) {
			from, weight := []int{o[0], o[1]}, 1.0
			for axis, scale := range a.Ints("scales") {
				place, share := neighbour(a, o[2+axis], scale, xs[2+axis], side[axis])
				from, weight = append(from, place), weight*share
			}
			sum += weight * e.values[n.Inputs[0]][offset(xs, from)]
		})
		y = append(y, sum)
	})
	return y
}

// neighbour is the element below or above a place, and its share.
func neighbour(a network.Attributes, o, scale, length, side int) (place int, share float64) {
	at := float64(o) / float64(scale)
	if a.String("coordinate_transformation_mode") == "half_pixel" {
		at = (float64(o)+0.5)/float64(scale) - 0.5
	}
	if a.String("mode") == "nearest" {
		at = math.Floor(at)
	}
	at = min(max(at, 0), float64(length-1))
	low := int(at)
	if side == 0 {
		return low, 1 - (at - float64(low))
	}
	return min(low+1, length-1), at - float64(low)
}
