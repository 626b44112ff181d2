package data

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"math"
	"path/filepath"
	"strings"

	"github.com/dlbench/dlbench/workloads/data/nifti"
)

// A mask says which class each pixel of an image has, or each voxel of a volume. It
// lies beside its image and has its name with _seg: scan_seg.nii.gz is the mask of
// scan.nii.gz, 7_seg.png that of 7.png, or of the slice 7.dcm. Its values are the
// classes.

const maskMark = "_seg"

// mostClass is the highest class that a mask may have.
const mostClass = math.MaxUint16

// stem is a path without its ending.
func stem(path string) string {
	stem, _ := split(path)
	return stem
}

// mayBeMask says whether a file has a mask's name, in a format that keeps values
// as they are.
func mayBeMask(f file) bool {
	return strings.HasSuffix(stem(f.path), maskMark) && (f.format == niftiFile || strings.EqualFold(filepath.Ext(f.path), ".png"))
}

// findMasks takes the masks out of the files, and gives them to their images. A
// file of that name without an image is an image itself.
func (s *Set) findMasks() error {
	stems := map[string]bool{}
	for _, f := range s.files {
		if !mayBeMask(f) {
			stems[stem(f.path)] = true
		}
	}
	masks := map[string]*file{}
	var images []file
	for _, f := range s.files {
		if of := strings.TrimSuffix(stem(f.path), maskMark); mayBeMask(f) && stems[of] {
			if other := masks[of]; other != nil {
				return s.named(&f, fmt.Errorf("it is a mask of the same image as %q: expected one", s.path(other)))
			}
			masks[of] = &f
			s.masks = append(s.masks, &f)
		} else {
			images = append(images, f)
		}
	}
	for i := range images {
		images[i].mask = masks[stem(images[i].path)]
	}
	s.files = images
	return nil
}

// checkMask decodes a mask, and notes its size and its highest class.
func (s *Set) checkMask(f *file) error {
	note := func(width, height, depth int, plane []float32) error {
		f.grid.width, f.grid.height, f.grid.depth = width, height, depth
		for _, v := range plane {
			if v < 0 || v > mostClass || v != float32(math.Trunc(float64(v))) {
				return fmt.Errorf("it has the value %v, expected classes: whole numbers from 0 to %d", v, mostClass)
			}
			f.highest = max(f.highest, int(v))
		}
		return nil
	}
	if f.format == niftiFile {
		var err error
		f.sum, err = s.stream(f, func(h *nifti.Header, _ int, plane []float32) error { return note(h.Width, h.Height, h.Depth, plane) })
		return s.named(f, err)
	}
	content, err := s.first(f)
	if err != nil {
		return s.named(f, err)
	}
	plane, width, err := classes(content)
	if err == nil {
		err = note(width, len(plane)/width, 1, plane)
	}
	return s.named(f, err)
}

// classes are the values of a PNG's pixels: its grey values, or the colours'
// numbers in its palette.
func classes(content []byte) (plane []float32, width int, err error) {
	if _, err := png.DecodeConfig(bytes.NewReader(content)); err != nil {
		return nil, 0, fmt.Errorf("not a PNG that can be read: %w", err)
	}
	decoded, err := decode(content)
	if err != nil {
		return nil, 0, err
	}
	r := decoded.Bounds()
	var at func(x, y int) int
	switch img := decoded.(type) {
	case *image.Gray:
		at = func(x, y int) int { return int(img.GrayAt(x, y).Y) }
	case *image.Gray16:
		at = func(x, y int) int { return int(img.Gray16At(x, y).Y) }
	case *image.Paletted:
		at = func(x, y int) int { return int(img.ColorIndexAt(x, y)) }
	default:
		return nil, 0, errors.New("it has colours, expected grey values or a palette, which are the classes")
	}
	plane = make([]float32, 0, r.Dx()*r.Dy())
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			plane = append(plane, float32(at(x, y)))
		}
	}
	return plane, r.Dx(), nil
}

// fits says whether a file's mask is of its size.
func (s *Set) fits(f *file) error {
	if f.mask == nil {
		return nil
	}
	if a, b := f.grid, f.mask.grid; a.width != b.width || a.height != b.height || a.depth != b.depth {
		return s.named(f.mask, fmt.Errorf("it is %d×%d×%d, expected %d×%d×%d as the image that it is the mask of", b.width, b.height, b.depth, a.width, a.height, a.depth))
	}
	return nil
}

// maskPlanes hands on the slices of a file's mask, or only one of them.
func (s *Set) maskPlanes(f *file, only int, slice func(z int, plane []float32) error) error {
	if f.mask.format == niftiFile {
		return s.planes(f.mask, only, slice)
	}
	content, err := s.content(f.mask)
	if err != nil {
		return s.named(f.mask, err)
	}
	plane, _, err := classes(content)
	if err == nil {
		err = slice(0, plane)
	}
	return s.named(f.mask, err)
}

// Masks is how many classes the masks have, from 0 to the highest; 0 if there are
// none. Either all inputs have one or none has.
func (v *View) Masks() (int, error) {
	highest, with := 0, false
	var without *file
	for _, it := range v.items {
		for _, f := range it.files {
			if f.mask == nil {
				without = f
				continue
			}
			with, highest = true, max(highest, f.mask.highest)
		}
	}
	if !with {
		return 0, nil
	}
	if without != nil {
		return 0, v.set.named(without, fmt.Errorf("it has no mask, and others have: expected %s%s.png, .nii or .nii.gz beside it", filepath.Base(stem(without.path)), maskMark))
	}
	return highest + 1, nil
}

// Mask makes the labels of an input's pixels, of a shape [H W] or [D H W]: the
// same part of it, each label that of the nearest pixel.
func (v *View) Mask(i int, shape []int, out []int64) error {
	it := v.items[i]
	h, w := shape[len(shape)-2], shape[len(shape)-1]
	grid := it.files[0].grid
	part := middle(image.Rect(0, 0, grid.width, grid.height), w, h)
	xs, ys := nearest(part.Min.X, part.Dx(), w), nearest(part.Min.Y, part.Dy(), h)
	take := func(plane []float32, out []int64) {
		for y, from := range ys {
			for x, at := range xs {
				out[y*w+x] = int64(plane[from*grid.width+at])
			}
		}
	}
	if len(shape) == 2 {
		return v.set.maskPlanes(it.files[0], it.slice, func(_ int, plane []float32) error {
			take(plane, out)
			return nil
		})
	}
	zs := nearest(0, it.depth(), shape[0])
	for at, f := range it.files {
		err := v.set.maskPlanes(f, all, func(z int, plane []float32) error {
			for o, from := range zs {
				if from == at+z {
					take(plane, out[o*h*w:])
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// nearest says which input is nearest to each output, half-pixel.
func nearest(begin, inputs, outputs int) []int {
	at := make([]int, outputs)
	for o := range at {
		at[o] = begin + min(inputs-1, (2*o+1)*inputs/(2*outputs))
	}
	return at
}
