package evaluate

import (
	"math"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"

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

// conv multiplies the windows of some places at a time: all of them would be
// gigabytes for volumes.
func (e *evaluator) conv(n network.Node) []float64 {
	x, w, slides := e.values[n.Inputs[0]], e.values[n.Inputs[1]], windowOf(n.Attributes)
	xs, ws := e.shapes[n.Inputs[0]], e.shapes[n.Inputs[1]]
	groups := n.Attributes.Int("group")
	outs, ins, places, size := n.Shape[1]/groups, ws[1], count(n.Shape[2:]), count(xs[2:])
	from := slides.sources(xs[2:], n.Shape[2:], ws[2:])
	length := ins * len(from)
	y := make([]float64, count(n.Shape))
	e.spread(n, y)
	var work errgroup.Group
	work.SetLimit(runtime.GOMAXPROCS(0))
	step := min(places, max(mostColumns/length, 64))
	for part := range n.Shape[0] * groups {
		for first := 0; first < places; first += step {
			work.Go(func() error {
				columns := min(step, places-first)
				image := x[part*ins*size : (part+1)*ins*size]
				windows := matrix(length, columns, make([]float64, length*columns))
				for row := range length {
					channel := image[row/len(from)*size:]
					for k, place := range from[row%len(from)][first : first+columns] {
						if place >= 0 {
							windows.Data[row*columns+k] = channel[place]
						}
					}
				}
				group := part % groups
				blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, matrix(outs, length, w[group*outs*length:]), windows, 1,
					blas64.General{Rows: outs, Cols: columns, Stride: places, Data: y[part*outs*places+first:]})
				return nil
			})
		}
	}
	_ = work.Wait() // none of it fails
	return y
}

// mostColumns is how many elements of windows are in memory at once.
const mostColumns = 1 << 20

// spread fills an output with its bias, if it has one.
func (e *evaluator) spread(n network.Node, y []float64) {
	if len(n.Inputs) < 3 {
		return
	}
	size := count(n.Shape[2:])
	for k := range y {
		y[k] = e.values[n.Inputs[2]][k/size%n.Shape[1]]
	}
}

// sources are, for each cell of the window, where in a channel it lies at every
// place; -1 in the padding.
func (w window) sources(channel, places, kernel []int) [][]int {
	return slid(w, places, kernel, func(from []int) int {
		if place, ok := locate(channel, from); ok {
			return place
		}
		return -1
	})
}

// slid asks of each cell of the window, at every place, what is where it lies.
func slid[T any](w window, places, kernel []int, what func(from []int) T) [][]T {
	var all [][]T
	from := make([]int, len(places))
	at(kernel, func(k []int) {
		cell := make([]T, 0, count(places))
		at(places, func(o []int) {
			w.under(from, o, k)
			cell = append(cell, what(from))
		})
		all = append(all, cell)
	})
	return all
}

// convTranspose is the adjoint: what a convolution would read of a place is added
// to there.
func (e *evaluator) convTranspose(n network.Node) []float64 {
	x, w, slides := e.values[n.Inputs[0]], e.values[n.Inputs[1]], windowOf(n.Attributes)
	xs, ws := e.shapes[n.Inputs[0]], e.shapes[n.Inputs[1]]
	groups := n.Attributes.Int("group")
	ins, outs, places, size := xs[1]/groups, ws[1], count(xs[2:]), count(n.Shape[2:])
	to := slides.sources(n.Shape[2:], xs[2:], ws[2:])
	length := outs * len(to)
	y := make([]float64, count(n.Shape))
	e.spread(n, y)
	step := min(places, max(mostColumns/length, 64))
	for part := range n.Shape[0] * groups {
		group := part % groups
		for first := 0; first < places; first += step {
			columns := min(step, places-first)
			windows := matrix(length, columns, make([]float64, length*columns))
			blas64.Gemm(blas.Trans, blas.NoTrans, 1, matrix(ins, length, w[group*ins*length:(group+1)*ins*length]),
				blas64.General{Rows: ins, Cols: columns, Stride: places, Data: x[part*ins*places+first:]}, 0, windows)
			for row := range length {
				channel := y[(part*outs+row/len(to))*size:]
				for k, place := range to[row%len(to)][first : first+columns] {
					if place >= 0 {
						channel[place] += windows.Data[row*columns+k]
					}
				}
			}
		}
	}
	return y
}

func (e *evaluator) pool(n network.Node) []float64 {
	a, slides := n.Attributes, windowOf(n.Attributes)
	channel, places, kernel := e.shapes[n.Inputs[0]][2:], n.Shape[2:], a.Ints("kernel_shape")
	from := slides.sources(channel, places, kernel)
	counted := make([]float64, count(places)) // cells of each window that an average divides by
	reach := slides.padded(channel, places, kernel)
	for cell := range from {
		for o, place := range from[cell] {
			if place >= 0 || a.Int("count_include_pad") == 1 && reach[cell][o] {
				counted[o]++
			}
		}
	}
	x, size := e.values[n.Inputs[0]], count(channel)
	y := make([]float64, 0, count(n.Shape))
	for image := 0; image < len(x); image += size {
		for o := range counted {
			high, sum := math.Inf(-1), 0.0
			for cell := range from {
				if place := from[cell][o]; place >= 0 {
					high, sum = max(high, x[image+place]), sum+x[image+place]
				}
			}
			if n.Op == "MaxPool" {
				y = append(y, high)
			} else {
				y = append(y, sum/counted[o])
			}
		}
	}
	return y
}

// padded says, for each cell of the window and every place, whether it lies within
// the channel and its pads, and not beyond them, as sizes that are rounded up have it.
func (w window) padded(channel, places, kernel []int) [][]bool {
	return slid(w, places, kernel, func(from []int) bool {
		within := true
		for axis := range from {
			within = within && from[axis] < channel[axis]+w.pads[len(channel)+axis]
		}
		return within
	})
}

func (e *evaluator) mean(n network.Node) []float64 {
	size := count(e.shapes[n.Inputs[0]][2:])
	y := make([]float64, count(n.Shape))
	for k, v := range e.values[n.Inputs[0]] {
		y[k/size] += v / float64(size)
	}
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
