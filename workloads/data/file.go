package data

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/dlbench/dlbench/workloads/data/dicom"
	"github.com/dlbench/dlbench/workloads/data/nifti"
)

// file is one file of a set.
type file struct {
	path   string // below the directory
	class  int
	format format
	sum    [sha256.Size]byte // of its bytes
	grid   grid
	dicom  dicom.Header
	mask   *file // of an image, if it has one

	highest int // class of a mask
}

// grid is what a file holds: of DICOM and NIfTI slices of values that are no
// colours yet.
type grid struct {
	width, height, depth int
	window               *span // that the file says to show it in
	values               span  // from the least to the greatest one
}

var (
	errChanged   = errors.New("it is another one than when the directory was read first")
	errIrregular = errors.New("not a regular file")
)

// named says which file an error is about. What a file says about itself is in no
// error but as numbers: its name is the user's, the rest may be a patient's.
func (s *Set) named(f *file, err error) error {
	if err == nil {
		return nil
	}
	what := map[format]string{picture: "image", dicomFile: "DICOM file", niftiFile: "NIfTI file"}[f.format]
	return fmt.Errorf("%s %q: %w", what, s.path(f), err)
}

func (s *Set) path(f *file) string { return filepath.Join(s.Dir, f.path) }

// check decodes a file only to know that it can be, and notes what is known of it.
func (s *Set) check(f *file) error {
	if f.format == niftiFile {
		return s.named(f, s.checkNIfTI(f))
	}
	content, err := s.first(f)
	switch {
	case err != nil:
	case f.format == picture:
		err = f.checkPicture(content)
	default:
		err = f.checkDICOM(content)
	}
	return s.named(f, err)
}

func (s *Set) checkNIfTI(f *file) (err error) {
	f.grid.values = noValues
	f.sum, err = s.stream(f, func(h *nifti.Header, z int, plane []float32) error {
		f.grid.values = widen(f.grid.values, plane)
		if z == 0 {
			f.grid.width, f.grid.height, f.grid.depth = h.Width, h.Height, h.Depth
			if h.Low < h.High {
				f.grid.window = &span{h.Low, h.High}
			}
		}
		return nil
	})
	return err
}

func (f *file) checkPicture(content []byte) error {
	decoded, err := decode(content)
	if err == nil {
		f.grid = grid{width: decoded.Bounds().Dx(), height: decoded.Bounds().Dy(), depth: 1}
	}
	return err
}

func (f *file) checkDICOM(content []byte) error {
	parsed, err := dicom.Parse(content)
	if err != nil {
		return err
	}
	f.dicom = parsed.Header
	f.grid = grid{width: parsed.Columns, height: parsed.Rows, depth: parsed.Frames, values: noValues}
	if w := parsed.Window; w != nil {
		f.grid.window = &span{w.Low, w.High}
	}
	var plane []float32
	for i := range parsed.Frames {
		if plane, err = parsed.Frame(i, plane); err != nil {
			return err
		}
		f.grid.values = widen(f.grid.values, plane)
	}
	return nil
}

// stream reads a NIfTI file slice by slice, and returns the digest of all of it.
func (s *Set) stream(f *file, slice func(h *nifti.Header, z int, plane []float32) error) (sum [sha256.Size]byte, err error) {
	opened, err := open(s.path(f))
	if err != nil {
		return sum, err
	}
	defer func() { _ = opened.Close() }()
	whole := sha256.New()
	if _, err := nifti.Read(io.TeeReader(opened, whole), slice); err != nil {
		return sum, err
	}
	_, err = io.Copy(whole, opened)
	whole.Sum(sum[:0])
	return sum, err
}

// all asks for every slice.
const all = -1

// planes hands on the slices of a DICOM or NIfTI file, or only one of them.
func (s *Set) planes(f *file, only int, slice func(z int, plane []float32) error) error {
	if f.format == dicomFile {
		return s.named(f, s.frames(f, only, slice))
	}
	sum, err := s.stream(f, func(_ *nifti.Header, z int, plane []float32) error {
		if only != all && z < only {
			return nil
		}
		err := slice(z, plane)
		if err == nil && z == only {
			err = nifti.ErrEnough
		}
		return err
	})
	if err == nil && sum != f.sum {
		err = errChanged
	}
	return s.named(f, err)
}

// frames are the slices of a DICOM file.
func (s *Set) frames(f *file, only int, slice func(z int, plane []float32) error) error {
	content, err := s.content(f)
	if err != nil {
		return err
	}
	parsed, err := dicom.Parse(content)
	if err != nil {
		return err
	}
	first, end := 0, parsed.Frames
	if only != all {
		first, end = only, only+1
	}
	var plane []float32
	for z := first; z < end; z++ {
		if plane, err = parsed.Frame(z, plane); err != nil {
			return err
		}
		if err := slice(z, plane); err != nil {
			return err
		}
	}
	return nil
}

// first reads a file, and notes what it is.
func (s *Set) first(f *file) ([]byte, error) {
	content, err := read(s.path(f))
	f.sum = sha256.Sum256(content)
	return content, err
}

// content reads a file again, the same as when it was read first.
func (s *Set) content(f *file) ([]byte, error) {
	content, err := read(s.path(f))
	if err == nil && sha256.Sum256(content) != f.sum {
		err = errChanged
	}
	return content, err
}

// open opens a regular file: a pipe would never end, and opening it would wait.
func open(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errIrregular
	}
	return os.Open(path)
}
