// Package datatest makes DICOM and NIfTI files for tests.
package datatest

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"testing"

	"github.com/suyashkumar/dicom"
	"github.com/suyashkumar/dicom/pkg/frame"
	"github.com/suyashkumar/dicom/pkg/tag"
	"github.com/suyashkumar/dicom/pkg/uid"
)

// DICOM is a file: 16 bits without a sign, 2 rows of 3 columns with the values 0
// to 5, unless the fields say otherwise.
type DICOM struct {
	Syntax    string          // the transfer syntax; Explicit VR Little Endian by default
	Elements  map[tag.Tag]any // others, or instead of those that it has by default; nil removes one
	Pixels    []byte          // instead of the values
	Fragments [][]byte        // compressed pixel data
}

// Words are pixels of 16 bits, little-endian.
func Words(values ...int) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint16(b, uint16(v))
	}
	return b
}

// Bytes is the file, as the library writes it.
func (d DICOM) Bytes(t testing.TB) []byte {
	t.Helper()
	if d.Syntax == "" {
		d.Syntax = uid.ExplicitVRLittleEndian
	}
	all := map[tag.Tag]any{
		tag.TransferSyntaxUID: []string{d.Syntax}, tag.SeriesInstanceUID: []string{"1.2.3"}, tag.InstanceNumber: []string{"1"},
		tag.SamplesPerPixel: []int{1}, tag.PhotometricInterpretation: []string{"MONOCHROME2"}, tag.Rows: []int{2}, tag.Columns: []int{3},
		tag.BitsAllocated: []int{16}, tag.BitsStored: []int{16}, tag.HighBit: []int{15}, tag.PixelRepresentation: []int{0},
		tag.PixelData: pixelData(d),
	}
	maps.Copy(all, d.Elements)
	var set dicom.Dataset
	for _, key := range slices.SortedFunc(maps.Keys(all), tagOrder) {
		if all[key] == nil {
			continue
		}
		e, err := dicom.NewElement(key, all[key])
		if err != nil {
			t.Fatalf("element %v: %v", key, err)
		}
		if key == tag.PixelData && d.Fragments != nil {
			e.RawValueRepresentation, e.ValueLength = "OB", tag.VLUndefinedLength
		}
		set.Elements = append(set.Elements, e)
	}
	var b bytes.Buffer
	if err := dicom.Write(&b, set, dicom.SkipVRVerification()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tagOrder(a, b tag.Tag) int {
	return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Element, b.Element))
}

func pixelData(d DICOM) dicom.PixelDataInfo {
	if d.Fragments != nil {
		info := dicom.PixelDataInfo{IsEncapsulated: true}
		for _, f := range d.Fragments {
			info.Frames = append(info.Frames, &frame.Frame{Encapsulated: true, EncapsulatedData: frame.EncapsulatedFrame{Data: f}})
		}
		return info
	}
	if d.Pixels == nil {
		d.Pixels = Words(0, 1, 2, 3, 4, 5)
	}
	return dicom.PixelDataInfo{IntentionallyUnprocessed: true, UnprocessedValueData: d.Pixels}
}

// At are the elements of a slice of a series, so many millimetres along its normal.
func At(series string, z string) map[tag.Tag]any {
	return map[tag.Tag]any{
		tag.SeriesInstanceUID: []string{series}, tag.ImagePositionPatient: []string{"-10", "20.5", z},
		tag.ImageOrientationPatient: []string{"1", "0", "0", "0", "1", "0"},
	}
}
