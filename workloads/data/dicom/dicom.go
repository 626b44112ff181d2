// Package dicom reads the pixels of DICOM files (PS3.10), and of their elements
// only what a pixel needs to become a number: no name, no date, no identifier.
// What is not read is refused, in errors that quote nothing of a file but numbers.
package dicom

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
)

// The bounds of a file's pixels.
const (
	mostPixels = 50_000_000 // of a frame
	mostFrames = 10_000
)

// File is a file's pixels and what they are.
type File struct {
	Header
	native []byte // in the order of bytes that the file has
	order  binary.ByteOrder
	jpegs  [][]byte
}

// Parse reads a file; it keeps its content.
func Parse(content []byte) (*File, error) {
	o, err := read(content)
	if err != nil {
		return nil, err
	}
	h, err := o.header()
	if err != nil {
		return nil, err
	}
	if h.Rows*h.Columns > mostPixels || h.Frames > mostFrames {
		return nil, fmt.Errorf("it is %d×%d pixels in %d frames, expected at most %d in at most %d", h.Columns, h.Rows, h.Frames, mostPixels, mostFrames)
	}
	if o.order == binary.BigEndian && o.words && h.allocated == 8 {
		return nil, fmt.Errorf("it has pixels of 8 bits in big-endian words of 16, which are not read")
	}
	f := &File{Header: *h, native: o.pixels, order: o.order}
	if o.fragments != nil {
		return f, f.takeFragments(o.fragments)
	}
	if need := h.Rows * h.Columns * h.Frames * h.allocated / 8; len(f.native) < need {
		return nil, fmt.Errorf("it is broken: its pixel data have %d bytes, expected %d", len(f.native), need)
	}
	return f, nil
}

// takeFragments takes one JPEG for each frame.
func (f *File) takeFragments(fragments [][]byte) error {
	switch {
	case f.Frames == 1:
		f.jpegs = [][]byte{bytes.Join(fragments, nil)}
	case len(fragments) == f.Frames:
		f.jpegs = fragments
	default:
		return fmt.Errorf("its %d frames are in %d fragments, expected one for each", f.Frames, len(fragments))
	}
	if f.stored != 8 || f.signed {
		return fmt.Errorf("it is broken: JPEG Baseline has 8 bits without a sign, and it says to have others")
	}
	return nil
}

// Frame is the values of a frame, row by row, as its slope and intercept make
// them. It fills plane, or another one if that is too small.
func (f *File) Frame(i int, plane []float32) ([]float32, error) {
	if f.jpegs != nil {
		return f.decompress(f.jpegs[i], plane)
	}
	n := f.Rows * f.Columns
	plane = sized(plane, n)
	if f.allocated == 8 {
		for k, b := range f.native[i*n : (i+1)*n] {
			plane[k] = f.value(uint16(b))
		}
		return plane, nil
	}
	raw := f.native[2*i*n:]
	for k := range plane {
		plane[k] = f.value(f.order.Uint16(raw[2*k:]))
	}
	return plane, nil
}

// value is what a stored pixel stands for. Bits above the stored ones may hold an
// overlay.
func (f *File) value(raw uint16) float32 {
	unused := 16 - f.stored
	v := float64(raw << unused >> unused)
	if f.signed {
		v = float64(int16(raw<<unused) >> unused)
	}
	return float32(float64(v*f.slope) + f.intercept)
}

// pixelsOfByte is more than a byte of baseline JPEG can hold: a block of 64
// pixels takes 2 bits at least.
const pixelsOfByte = 256

// decompress decodes a JPEG.
func (f *File) decompress(content []byte, plane []float32) ([]float32, error) {
	header, err := jpeg.DecodeConfig(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("it is broken: its pixel data are no JPEG that can be read")
	}
	if header.Width != f.Columns || header.Height != f.Rows || header.ColorModel != color.GrayModel {
		return nil, fmt.Errorf("it is broken: its JPEG is %d×%d, expected %d×%d in grey", header.Width, header.Height, f.Columns, f.Rows)
	}
	n := f.Rows * f.Columns
	if n/pixelsOfByte > len(content) {
		return nil, fmt.Errorf("it is broken: %d bytes cannot be a JPEG of %d×%d", len(content), f.Columns, f.Rows)
	}
	decoded, err := jpeg.Decode(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("it is broken: its JPEG ends early or is damaged")
	}
	grey, ok := decoded.(*image.Gray)
	if !ok {
		return nil, fmt.Errorf("it is broken: its JPEG is not grey")
	}
	plane = sized(plane, n)
	for y := range f.Rows {
		for x, v := range grey.Pix[y*grey.Stride:][:f.Columns] {
			plane[y*f.Columns+x] = f.value(uint16(v))
		}
	}
	return plane, nil
}

// sized is a plane of so many pixels, the given one if it is large enough.
func sized(plane []float32, n int) []float32 {
	if cap(plane) < n {
		return make([]float32, n)
	}
	return plane[:n]
}
