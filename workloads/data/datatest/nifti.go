package datatest

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"math"
	"testing"
)

// NIfTI is a file: its fields are those of nifti1.h.
type NIfTI struct {
	Order            binary.ByteOrder // little-endian by default
	Type, Bits       int              // int16 by default
	Dim              []int            // width, height, depth …
	Slope, Intercept float32
	CalMin, CalMax   float32
	Text             string // in all free texts of the header
	Voxels           []byte // in the file's order of bytes
}

// Bytes is the file.
func (n NIfTI) Bytes() []byte {
	if n.Order == nil {
		n.Order = binary.LittleEndian
	}
	if n.Type == 0 {
		n.Type, n.Bits = 4, 16
	}
	b := make([]byte, 352, 352+len(n.Voxels))
	n.Order.PutUint32(b, 348)
	n.Order.PutUint16(b[40:], uint16(len(n.Dim)))
	for i, extent := range n.Dim {
		n.Order.PutUint16(b[42+2*i:], uint16(extent))
	}
	n.Order.PutUint16(b[70:], uint16(n.Type))
	n.Order.PutUint16(b[72:], uint16(n.Bits))
	for at, v := range map[int]float32{108: 352, 112: n.Slope, 116: n.Intercept, 124: n.CalMax, 128: n.CalMin} {
		n.Order.PutUint32(b[at:], math.Float32bits(v))
	}
	for _, text := range []struct{ at, length int }{{14, 18}, {148, 80}, {228, 24}, {328, 16}} { // db_name, descrip, aux_file, intent_name
		copy(b[text.at:][:text.length], n.Text)
	}
	copy(b[344:], "n+1\x00")
	return append(b, n.Voxels...)
}

// Gzip compresses a file; its header names another one.
func Gzip(t testing.TB, content []byte, name string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Name = name
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
