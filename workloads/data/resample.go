package data

import (
	"image"
	"math"
)

// Slices and volumes are resized axis by axis with a linear kernel, which is as
// wide as the step from one output to the next where it makes them smaller, so
// that every value counts: PyTorch's interpolate has it as bilinear and trilinear
// with antialias, and without corners that are aligned. Values stay floats: a scan
// has more than 8 bits.

// axis says of which inputs each output is made.
type axis struct {
	first   []int
	weights [][]float64 // they add up to 1
}

// newAxis makes so many outputs of the inputs from begin on.
func newAxis(begin, inputs, outputs int) axis {
	a := axis{make([]int, outputs), make([][]float64, outputs)}
	step := float64(inputs) / float64(outputs)
	reach := max(1, step)
	for o := range outputs {
		center := float64((float64(o)+0.5)*step) - 0.5
		first := max(0, int(math.Ceil(center-reach)))
		last := min(inputs-1, int(math.Floor(center+reach)))
		sum := 0.0
		for i := first; i <= last; i++ {
			w := max(0, 1-math.Abs(float64(i)-center)/reach)
			a.weights[o] = append(a.weights[o], w)
			sum += w
		}
		for i := range a.weights[o] {
			a.weights[o][i] /= sum
		}
		a.first[o] = begin + first
	}
	return a
}

// along is an output, of inputs that lie so far from one another. The conversion
// keeps a compiler from fusing operations, which would round otherwise on some
// processors.
func (a axis) along(o int, from []float64, start, stride int) float64 {
	sum := 0.0
	at := start + a.first[o]*stride
	for _, w := range a.weights[o] {
		sum += float64(w * from[at])
		at += stride
	}
	return sum
}

// scaler resizes planes of one size to another.
type scaler struct {
	width, height int // of the planes
	xs, ys        axis
	grey, rows    []float64 // between the steps
	out           []float64
}

// newScaler takes the part in the middle of planes that has the aspect w:h.
func newScaler(width, height, w, h int) *scaler {
	part := middle(image.Rect(0, 0, width, height), w, h)
	return &scaler{
		width: width, height: height, xs: newAxis(part.Min.X, part.Dx(), w), ys: newAxis(part.Min.Y, part.Dy(), h),
		grey: make([]float64, width), rows: make([]float64, height*w), out: make([]float64, h*w),
	}
}

// scale resizes a plane; what it returns is used again for the next one.
func (s *scaler) scale(plane []float32, window span, inverted bool) []float64 {
	w, h := len(s.xs.first), len(s.ys.first)
	for y := range s.height {
		for x, v := range plane[y*s.width:][:s.width] {
			s.grey[x] = window.grey(v, inverted)
		}
		for x := range w {
			s.rows[y*w+x] = s.xs.along(x, s.grey, 0, 1)
		}
	}
	for y := range h {
		for x := range w {
			s.out[y*w+x] = s.ys.along(y, s.rows, x, w)
		}
	}
	return s.out
}
