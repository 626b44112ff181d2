package parity

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/workloads/tensors"
	"github.com/dlbench/dlbench/workloads/window"
)

// CheckVolume compares a volume that was put together from patches with the
// verified output of the images that it is made of. In these regions only one
// patch counts, so that they say what the network says, whatever the weights are;
// everywhere else it has to be a number.
func (v *Verdict) CheckVolume(outputFile string, size []int, regions []window.Region) (record.Check, error) {
	w := newWorst(Measured, "whole volume")
	var verified [][]float64 // of each slot
	var shape []int          // [N, classes, …]
	images := 0
	for _, r := range regions {
		images = max(images, r.Image+1)
	}
	for slot := 0; slot == 0 || slot*shape[0] < images; slot++ {
		values, of, err := readOne(v.Expected, slotName(logits, slot))
		if err != nil {
			return w.check, fmt.Errorf("verified output of slot %d: %w", slot, err)
		}
		verified, shape = append(verified, values), of
	}
	f, err := tensors.Open(outputFile)
	if err != nil {
		return w.check, fmt.Errorf("whole volume: %w", err)
	}
	whole := append([]int{shape[1]}, size...)
	got, err := volume(f, whole)
	if err != nil {
		w.refuse("whole volume", err, numbersOf(v.Precision).measured)
		return w.check, f.Close()
	}
	for _, r := range regions {
		slot, image := r.Image/shape[0], r.Image%shape[0]
		of := verified[slot][image*product(shape[1:]) : (image+1)*product(shape[1:])]
		a := boxed(got, whole, append([]int{0}, r.Place...), append([]int{shape[1]}, r.Size...))
		b := boxed(of, shape[1:], append([]int{0}, r.At...), append([]int{shape[1]}, r.Size...))
		if err := w.compare(fmt.Sprintf("logits from %v on", r.Place), a, b, nil, 0, numbersOf(v.Precision).measured); err != nil {
			return w.check, errors.Join(err, f.Close())
		}
	}
	return w.check, f.Close()
}

// volume reads the output: of that shape, and all of it numbers. It may be large,
// and stays as narrow as it is written.
func volume(f *tensors.File, shape []int) ([]float32, error) {
	values, err := readBy(f, "output", shape, f.Float32s)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(values, func(v float32) bool { return math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) }); i >= 0 {
		return nil, fmt.Errorf("%w: element %d is %v", errNotComparable, i, values[i])
	}
	return values, nil
}

// boxed are the elements of a box of a tensor, in order.
func boxed[F float32 | float64](values []F, shape, from, size []int) []float64 {
	if len(shape) == 1 {
		out := make([]float64, size[0])
		for i := range out {
			out[i] = float64(values[from[0]+i])
		}
		return out
	}
	inner := product(shape[1:])
	out := make([]float64, 0, product(size))
	for i := range size[0] {
		at := (from[0] + i) * inner
		out = append(out, boxed(values[at:at+inner], shape[1:], from[1:], size[1:])...)
	}
	return out
}

func product(shape []int) int {
	n := 1
	for _, extent := range shape {
		n *= extent
	}
	return n
}
