// Package nifti reads volumes in NIfTI-1 files, one slice after the other, so
// that a volume never has to lie in memory. No module for it is maintained, and
// the header is 348 bytes.
package nifti

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
)

// ErrEnough is what a slice's function returns to have no further ones.
var ErrEnough = errors.New("no more slices are wanted")

// Read hands each slice's values to a function, in the file's order: row by row
// of its second dimension, the first fastest. The plane is used again for the next
// one. A file is decompressed if it begins as gzip does.
func Read(from io.Reader, slice func(h *Header, z int, plane []float32) error) (*Header, error) {
	buffered := bufio.NewReaderSize(from, 1<<16)
	var content io.Reader = buffered
	if magic, _ := buffered.Peek(2); string(magic) == "\x1f\x8b" {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return nil, fmt.Errorf("it is broken: its gzip header cannot be read")
		}
		content = unzipped
	}
	raw := make([]byte, headerBytes)
	if _, err := io.ReadFull(content, raw); err != nil {
		return nil, fmt.Errorf("not a NIfTI-1 file: it ends within its header, or its gzip is damaged")
	}
	h, err := parse(raw)
	if err != nil {
		return nil, err
	}
	if _, err := io.CopyN(io.Discard, content, h.offset-headerBytes); err != nil {
		return nil, errEnds
	}
	if err := h.slices(content, slice); err != nil && !errors.Is(err, ErrEnough) {
		return nil, err
	}
	return h, nil
}

var errEnds = errors.New("it is broken: it ends before its last voxel, or its gzip is damaged")

// slices reads all slices. Memory for one is asked for only when its bytes are there.
func (h *Header) slices(content io.Reader, slice func(h *Header, z int, plane []float32) error) error {
	var raw bytes.Buffer
	var plane []float32
	n := h.Width * h.Height
	for z := range h.Depth {
		raw.Reset()
		if _, err := io.CopyN(&raw, content, int64(n*h.kind.bytes)); err != nil {
			return errEnds
		}
		if plane == nil {
			plane = make([]float32, n)
		}
		stored := raw.Bytes()
		for i := range plane {
			v := h.kind.read(h.order, stored[i*h.kind.bytes:])
			plane[i] = float32(float64(v*h.slope) + h.intercept)
		}
		if err := slice(h, z, plane); err != nil {
			return err
		}
	}
	if _, err := io.CopyN(io.Discard, content, 1); err != nil && !errors.Is(err, io.EOF) {
		return errEnds // the check sum at the end of the gzip
	}
	return nil
}
