// Package window lays patches of a network's own input size over an image or
// volume that is larger, as nnU-Net does (Isensee et al. 2021), for inference by
// a sliding window. Runners lay them by themselves; what they put together is held
// against what this package says of it.
package window

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Window is an image or volume and how much its patches overlap at least; the
// zero value is none.
type Window struct {
	Size    []int
	Overlap float64 // share of a patch, along each axis
}

const (
	// DefaultOverlap is nnU-Net's.
	DefaultOverlap = 0.5
	// MostOverlap leaves a tenth of a patch between neighbours.
	MostOverlap = 0.9

	mostVoxels = 1 << 30
)

var sizeForm = regexp.MustCompile(`^[1-9][0-9]{0,5}(?:x[1-9][0-9]{0,5}){1,2}$`)

// Parse reads a size like 512x512 or 48x64x64, with an overlap.
func Parse(size string, overlap float64) (Window, error) {
	if !sizeForm.MatchString(size) {
		return Window{}, fmt.Errorf("volume %q, expected height and width like 512x512, or depth, height and width like 48x64x64", size)
	}
	if err := CheckOverlap(overlap); err != nil {
		return Window{}, err
	}
	w := Window{Overlap: overlap}
	voxels := 1
	for part := range strings.SplitSeq(size, "x") {
		n, _ := strconv.Atoi(part) // the form holds only digits
		w.Size = append(w.Size, n)
		if voxels > mostVoxels/n {
			return Window{}, fmt.Errorf("volume %q has too many voxels: expected at most %d", size, mostVoxels)
		}
		voxels *= n
	}
	return w, nil
}

// CheckOverlap says what is wrong with an overlap, if anything is.
func CheckOverlap(overlap float64) error {
	if !(overlap >= 0 && overlap <= MostOverlap) {
		return fmt.Errorf("overlap %v, expected a share from 0 to %g", overlap, MostOverlap)
	}
	return nil
}

// None says whether no window was asked for.
func (w Window) None() bool { return len(w.Size) == 0 }

// String is the size as Parse reads it.
func (w Window) String() string {
	parts := make([]string, len(w.Size))
	for i, n := range w.Size {
		parts[i] = strconv.Itoa(n)
	}
	return strings.Join(parts, "x")
}

// Places are where patches begin along each axis: as few as overlap by at least
// the window's share, spread evenly from end to end.
func (w Window) Places(patch []int) ([][]int, error) {
	if len(patch) != len(w.Size) {
		return nil, fmt.Errorf("a size of %s has %d axes, and the network's input has %d", w, len(w.Size), len(patch))
	}
	places := make([][]int, len(patch))
	for axis, extent := range patch {
		stride := float64(extent) * (1 - w.Overlap)
		switch size := w.Size[axis]; {
		case size < extent:
			return nil, fmt.Errorf("a size of %s is smaller than the network's own input, %s", w, Window{Size: patch})
		case size > extent && stride < 1:
			return nil, fmt.Errorf("patches of %s that overlap by %g would not be a voxel apart", Window{Size: patch}, w.Overlap)
		default:
			places[axis] = spread(size-extent, stride)
		}
	}
	return places, nil
}

// spread are the places from 0 to the last, at most a stride apart; halves are
// rounded to even, as numpy rounds nnU-Net's.
func spread(last int, stride float64) []int {
	steps := int(math.Ceil(float64(last)/stride)) + 1
	places := make([]int, steps)
	for i := 1; i < steps; i++ {
		places[i] = int(math.RoundToEven(float64(last) / float64(steps-1) * float64(i)))
	}
	return places
}

// Patches is how many patches cover the volume.
func (w Window) Patches(patch []int) (int, error) {
	places, err := w.Places(patch)
	if err != nil {
		return 0, err
	}
	n := 1
	for _, along := range places {
		n *= len(along)
	}
	return n, nil
}
