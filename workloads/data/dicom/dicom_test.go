package dicom_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/jpeg"
	"slices"
	"strings"
	"testing"

	library "github.com/suyashkumar/dicom"
	"github.com/suyashkumar/dicom/pkg/tag"
	"github.com/suyashkumar/dicom/pkg/uid"

	"github.com/dlbench/dlbench/workloads/data/datatest"
	"github.com/dlbench/dlbench/workloads/data/dicom"
	"github.com/dlbench/dlbench/workloads/fuzztest"
)

type elements = map[tag.Tag]any

// grey is a JPEG with the same value everywhere.
func grey(t testing.TB, w, h int, v uint8) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, w, h))
	for i := range img.Pix {
		img.Pix[i] = v
	}
	return asJPEG(t, img)
}

func asJPEG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 100}); err != nil {
		t.Fatal(err)
	}
	if b.Len()%2 == 1 {
		b.WriteByte(0)
	}
	return b.Bytes()
}

// nested are sequences in sequences, as scanners write references and icons.
func nested(t testing.TB, depth int) any {
	t.Helper()
	name, err := library.NewElement(tag.PatientName, []string{"Nested^Name"})
	if err != nil {
		t.Fatal(err)
	}
	inner := []*library.Element{name}
	for range depth {
		e, err := library.NewElement(tag.ReferencedSeriesSequence, [][]*library.Element{inner})
		if err != nil {
			t.Fatal(err)
		}
		inner = []*library.Element{e}
	}
	return [][]*library.Element{inner}
}

// By hand: slope · stored value + intercept.
func TestValues(t *testing.T) {
	bits := func(allocated, stored, signed int) elements {
		return elements{tag.BitsAllocated: []int{allocated}, tag.BitsStored: []int{stored}, tag.HighBit: []int{stored - 1}, tag.PixelRepresentation: []int{signed}}
	}
	with := func(e elements, more elements) elements {
		for k, v := range more {
			e[k] = v
		}
		return e
	}
	ct := with(bits(16, 12, 0), elements{tag.RescaleSlope: []string{"2"}, tag.RescaleIntercept: []string{"-1024"}})
	for name, tt := range map[string]struct {
		file datatest.DICOM
		want []float32
	}{
		"16 bits":          {datatest.DICOM{Pixels: datatest.Words(0, 1, 2, 300, 40000, 65535)}, []float32{0, 1, 2, 300, 40000, 65535}},
		"16 with a sign":   {datatest.DICOM{Elements: bits(16, 16, 1), Pixels: datatest.Words(0, 1, -1, 300, -32768, 32767)}, []float32{0, 1, -1, 300, -32768, 32767}},
		"12 in 16":         {datatest.DICOM{Elements: bits(16, 12, 0), Pixels: datatest.Words(0, 4095, 0x1001, 0xF002, 4, 5)}, []float32{0, 4095, 1, 2, 4, 5}},
		"12 with a sign":   {datatest.DICOM{Elements: bits(16, 12, 1), Pixels: datatest.Words(0, 4095, 2048, 0xF002, 4, 2047)}, []float32{0, -1, -2048, 2, 4, 2047}},
		"8 bits":           {datatest.DICOM{Elements: bits(8, 8, 0), Pixels: []byte{0, 1, 2, 100, 200, 255}}, []float32{0, 1, 2, 100, 200, 255}},
		"8 with a sign":    {datatest.DICOM{Elements: bits(8, 8, 1), Pixels: []byte{0, 1, 2, 100, 200, 255}}, []float32{0, 1, 2, 100, -56, -1}},
		"slope":            {datatest.DICOM{Elements: ct}, []float32{-1024, -1022, -1020, -1018, -1016, -1014}},
		"implicit":         {datatest.DICOM{Syntax: uid.ImplicitVRLittleEndian, Elements: ct}, []float32{-1024, -1022, -1020, -1018, -1016, -1014}},
		"big-endian":       {datatest.DICOM{Syntax: uid.ExplicitVRBigEndian, Pixels: []byte{0, 0, 0, 1, 0, 2, 1, 0, 0, 4, 0, 5}}, []float32{0, 1, 2, 256, 4, 5}},
		"among sequences":  {datatest.DICOM{Elements: elements{tag.ReferencedStudySequence: nested(t, 3)}}, []float32{0, 1, 2, 3, 4, 5}},
		"implicit as well": {datatest.DICOM{Syntax: uid.ImplicitVRLittleEndian, Elements: elements{tag.ReferencedStudySequence: nested(t, 3)}}, []float32{0, 1, 2, 3, 4, 5}},
		"padded":           {datatest.DICOM{Pixels: datatest.Words(0, 1, 2, 3, 4, 5, 9)}, []float32{0, 1, 2, 3, 4, 5}},
		"JPEG": {datatest.DICOM{Syntax: "1.2.840.10008.1.2.4.50", Elements: with(bits(8, 8, 0), elements{tag.RescaleIntercept: []string{"1000"}}), Fragments: [][]byte{grey(t, 3, 2, 77)}},
			[]float32{1077, 1077, 1077, 1077, 1077, 1077}},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := dicom.Parse(tt.file.Bytes(t))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := f.Frame(0, nil); err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("got %v, %v, want %v", got, err, tt.want)
			}
		})
	}
}

// A sequence whose representation its writer did not know is implicit inside
// (PS3.5 6.2.2), and explicit again behind.
func TestUnknownSequences(t *testing.T) {
	content := datatest.DICOM{}.Bytes(t)
	series := []byte("\x20\x00\x0E\x00UI")
	item := "\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF" + "\x10\x00\x10\x00\x04\x00\x00\x00Name" + // implicit: no VR before its length
		"\x08\x00\x40\x11\xFF\xFF\xFF\xFF\xFE\xFF\xDD\xE0\x00\x00\x00\x00" + "\xFE\xFF\x0D\xE0\x00\x00\x00\x00"
	unknown := "\x09\x00\x02\x10UN\x00\x00\xFF\xFF\xFF\xFF" + item + item + "\xFE\xFF\xDD\xE0\x00\x00\x00\x00"
	for name, before := range map[string]string{
		"at the top":    unknown,
		"in a sequence": "\x08\x00\x40\x11SQ\x00\x00\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF" + unknown + "\x10\x00\x10\x00PN\x04\x00Name\xFE\xFF\x0D\xE0\x00\x00\x00\x00\xFE\xFF\xDD\xE0\x00\x00\x00\x00",
	} {
		f, err := dicom.Parse(bytes.Replace(content, series, append([]byte(before), series...), 1))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, err := f.Frame(0, nil); err != nil || got[5] != 5 {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestFrames(t *testing.T) {
	native := datatest.DICOM{Elements: elements{tag.NumberOfFrames: []string{"2"}}, Pixels: datatest.Words(0, 1, 2, 3, 4, 5, 10, 11, 12, 13, 14, 15)}
	bits := elements{tag.NumberOfFrames: []string{"2"}, tag.BitsAllocated: []int{8}, tag.BitsStored: []int{8}, tag.HighBit: []int{7}}
	compressed := datatest.DICOM{Syntax: "1.2.840.10008.1.2.4.50", Elements: bits, Fragments: [][]byte{grey(t, 3, 2, 4), grey(t, 3, 2, 15)}}
	for name, file := range map[string]datatest.DICOM{"native": native, "JPEG": compressed} {
		f, err := dicom.Parse(file.Bytes(t))
		if err != nil {
			t.Fatal(err)
		}
		plane := make([]float32, 100) // is used if it is large enough
		got, err := f.Frame(1, plane)
		if err != nil || f.Frames != 2 || got[5] != 15 || &got[0] != &plane[0] {
			t.Errorf("%s: %d frames, the second is %v, %v", name, f.Frames, got, err)
		}
	}
}

// PS3.3 C.11.2.1.2: linear from c − 0.5 − (w−1)/2 to c − 0.5 + (w−1)/2.
func TestWindows(t *testing.T) {
	for name, tt := range map[string]struct {
		elements elements
		want     *dicom.Window
	}{
		"none":  {elements{}, nil},
		"empty": {elements{tag.WindowCenter: []string{""}, tag.WindowWidth: []string{""}}, nil},
		"lung":  {elements{tag.WindowCenter: []string{"-600", "40"}, tag.WindowWidth: []string{"1501", "400"}}, &dicom.Window{Low: -1350.5, High: 149.5}},
		"exact": {elements{tag.WindowCenter: []string{"40"}, tag.WindowWidth: []string{"400"}, tag.VOILUTFunction: []string{"LINEAR_EXACT"}}, &dicom.Window{Low: -160, High: 240}},
	} {
		f, err := dicom.Parse(datatest.DICOM{Elements: tt.elements}.Bytes(t))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := f.Window; (got == nil) != (tt.want == nil) || got != nil && *got != *tt.want {
			t.Errorf("%s: window %v, want %v", name, got, tt.want)
		}
	}
}

func TestPlace(t *testing.T) {
	e := datatest.At("1.2", "7.25")
	e[tag.PhotometricInterpretation] = []string{"MONOCHROME1"}
	f, err := dicom.Parse(datatest.DICOM{Elements: e}.Bytes(t))
	if err != nil {
		t.Fatal(err)
	}
	if *f.Position != [3]float64{-10, 20.5, 7.25} || f.Normal() != [3]float64{0, 0, 1} || *f.Instance != 1 || !f.Inverted || f.Rows != 2 || f.Columns != 3 {
		t.Errorf("got %+v", f.Header)
	}
}

// refusals are files that are not read. Each holds a mark where a text can be,
// which no error may quote.
const mark = "MARKED9"

func refusals(t testing.TB) map[string]struct {
	content []byte
	want    string
} {
	file := func(e elements) []byte {
		e[tag.PatientName] = []string{mark}
		return datatest.DICOM{Elements: e}.Bytes(t)
	}
	of := func(syntax string) []byte {
		return datatest.DICOM{Syntax: syntax, Elements: elements{tag.PatientName: []string{mark}}}.Bytes(t)
	}
	good := file(elements{})
	jpegs := func(e elements, fragments ...[]byte) []byte {
		for k, v := range (elements{tag.BitsAllocated: []int{8}, tag.BitsStored: []int{8}, tag.HighBit: []int{7}}) {
			if _, other := e[k]; !other {
				e[k] = v
			}
		}
		return datatest.DICOM{Syntax: "1.2.840.10008.1.2.4.50", Elements: e, Fragments: fragments}.Bytes(t)
	}
	colours := image.NewNRGBA(image.Rect(0, 0, 3, 2))
	colours.Set(1, 1, color.NRGBA{255, 0, 0, 255})
	return map[string]struct {
		content []byte
		want    string
	}{
		"text":               {[]byte(mark), "not a DICOM file: it has no DICM"},
		"empty":              {nil, "not a DICOM file"},
		"cut off":            {good[:len(good)-1], "it ends within an element"},
		"no pixels":          {file(elements{tag.PixelData: nil}), "it has no pixel data"},
		"too few pixels":     {file(elements{tag.Rows: []int{20}}), "its pixel data have 12 bytes, expected 120"},
		"JPEG 2000":          {of("1.2.840.10008.1.2.4.90"), "its transfer syntax is JPEG 2000 Lossless, which is not read: convert it to Explicit VR Little Endian"},
		"JPEG-LS":            {of("1.2.840.10008.1.2.4.80"), "its transfer syntax is JPEG-LS Lossless"},
		"RLE":                {of("1.2.840.10008.1.2.5"), "its transfer syntax is RLE Lossless"},
		"deflated":           {replaced(of("1.2.840.10008.1.2.4.80"), "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.1.99"), "its transfer syntax is Deflated"},
		"an unknown one":     {replaced(of("1.2.840.10008.1.2.4.80"), "1.2.840.10008.1.2.4.80", mark+"0.10008.1.2.4.8"), "its transfer syntax is another one"},
		"colour":             {file(elements{tag.SamplesPerPixel: []int{3}, tag.PhotometricInterpretation: []string{"RGB"}}), "it has 3 samples for each pixel, expected 1: colour is not read"},
		"a palette":          {file(elements{tag.PhotometricInterpretation: []string{mark}}), "neither MONOCHROME1 nor MONOCHROME2"},
		"32 bits":            {file(elements{tag.BitsAllocated: []int{32}}), "its BitsAllocated is 32, expected 8 or 16"},
		"high bits":          {file(elements{tag.BitsStored: []int{12}}), "it has 12 bits stored of 16, the highest at 15"},
		"17 bits":            {file(elements{tag.BitsStored: []int{17}, tag.HighBit: []int{16}}), "it has 17 bits stored of 16"},
		"no rows":            {file(elements{tag.Rows: nil}), "how many Rows and Columns"},
		"a wide one":         {file(elements{tag.Rows: []int{65535}, tag.Columns: []int{65535}}), "it is 65535×65535 pixels in 1 frames, expected at most"},
		"frames":             {file(elements{tag.NumberOfFrames: []string{mark}}), "its NumberOfFrames is not a number from 1"},
		"many frames":        {file(elements{tag.NumberOfFrames: []string{"2000000000"}}), "in 2000000000 frames"},
		"slope":              {file(elements{tag.RescaleSlope: []string{mark}}), "its RescaleSlope is not a number"},
		"an infinite slope":  {file(elements{tag.RescaleSlope: []string{"inf"}}), "its RescaleSlope is not a number"},
		"a slope of nothing": {file(elements{tag.RescaleSlope: []string{"0"}}), "its RescaleSlope is 0"},
		"a table":            {file(elements{tag.ModalityLUTSequence: nested(t, 0)}), "it maps its values by a table"},
		"enhanced":           {file(elements{tag.PerFrameFunctionalGroupsSequence: nested(t, 1)}), "it is an enhanced multi-frame file"},
		"window":             {file(elements{tag.WindowCenter: []string{"1"}, tag.WindowWidth: []string{"0"}}), "its WindowWidth is 0, expected 1 or more"},
		"a curved window":    {file(elements{tag.WindowCenter: []string{"1"}, tag.WindowWidth: []string{"5"}, tag.VOILUTFunction: []string{mark}}), "its VOILUTFunction is neither"},
		"place":              {file(elements{tag.ImagePositionPatient: []string{"1", "2"}}), "it has 2 numbers as ImagePositionPatient and 0 as ImageOrientationPatient"},
		"turned":             {file(elements{tag.ImagePositionPatient: []string{"1", "2", "3"}, tag.ImageOrientationPatient: []string{"1", "0", "0", "1", "0", "0"}}), "two unit vectors at a right angle"},
		"a long value":       {file(elements{tag.SeriesInstanceUID: []string{strings.Repeat(mark, 300)}}), "its SeriesInstanceUID is not as the standard has it"},
		"another VR":         {replaced(good, "\x28\x00\x10\x00US", "\x28\x00\x10\x00SQ"), "it is broken"},
		"no JPEG":            {jpegs(elements{}, []byte(mark+" ")), "its pixel data are no JPEG"},
		"another JPEG":       {jpegs(elements{}, grey(t, 4, 4, 1)), "its JPEG is 4×4, expected 3×2 in grey"},
		"a coloured JPEG":    {jpegs(elements{}, asJPEG(t, colours)), "expected 3×2 in grey"},
		"half a JPEG":        {jpegs(elements{}, grey(t, 3, 2, 1)[:200]), "it is broken: its "},
		"JPEGs":              {jpegs(elements{tag.NumberOfFrames: []string{"2"}}, grey(t, 3, 2, 1), grey(t, 3, 2, 1), grey(t, 3, 2, 1)), "its 2 frames are in 3 fragments"},
		"12 bits in a JPEG":  {jpegs(elements{tag.BitsAllocated: []int{16}, tag.BitsStored: []int{12}, tag.HighBit: []int{11}}, grey(t, 3, 2, 1)), "JPEG Baseline has 8 bits"},
	}
}

// replaced has another text of the same length.
func replaced(content []byte, from, to string) []byte {
	return bytes.Replace(content, []byte(from), []byte(to), 1)
}

func decodeAll(content []byte) error {
	f, err := dicom.Parse(content)
	if err != nil {
		return err
	}
	var plane []float32
	for i := range f.Frames {
		if plane, err = f.Frame(i, plane); err != nil {
			return err
		}
	}
	return nil
}

func TestRefusals(t *testing.T) {
	for name, tt := range refusals(t) {
		t.Run(name, func(t *testing.T) {
			err := decodeAll(tt.content)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if strings.Contains(err.Error(), mark) {
				t.Errorf("the error quotes the file: %v", err)
			}
		})
	}
}

// A length that a file does not have, and sequences without end, cost nothing.
func TestHostileFiles(t *testing.T) {
	head, _, _ := bytes.Cut(datatest.DICOM{}.Bytes(t), []byte("\x20\x00\x0E\x00UI")) // all meta elements
	long := binary.LittleEndian.AppendUint32(append(slices.Clone(head), "\x08\x00\x05\x00OB\x00\x00"...), 0xFFFFFFF0)
	deep := append(slices.Clone(head), bytes.Repeat([]byte("\x08\x00\x15\x11SQ\x00\x00\xFF\xFF\xFF\xFF\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF"), 1<<18)...)
	bomb := grey(t, 3, 2, 1)
	at := bytes.Index(bomb, []byte{0xFF, 0xC0}) + 5 // height and width in the frame's header
	binary.BigEndian.PutUint32(bomb[at:], 7000<<16|7000)
	large := elements{tag.BitsAllocated: []int{8}, tag.BitsStored: []int{8}, tag.HighBit: []int{7}, tag.Rows: []int{7000}, tag.Columns: []int{7000}}
	for name, tt := range map[string]struct {
		content []byte
		want    string
	}{
		"long":   {long, "it ends within an element"},
		"deep":   {deep, "it ends within an element"},
		"a bomb": {datatest.DICOM{Syntax: "1.2.840.10008.1.2.4.50", Elements: large, Fragments: [][]byte{bomb}}.Bytes(t), "bytes cannot be a JPEG of 7000×7000"},
	} {
		fuzztest.Bounded(t, 0, func() {
			if err := decodeAll(tt.content); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s: got %v", name, err)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add(datatest.DICOM{}.Bytes(f))
	f.Add(datatest.DICOM{Syntax: uid.ImplicitVRLittleEndian, Elements: datatest.At("1.2", "3")}.Bytes(f))
	f.Add(datatest.DICOM{Elements: elements{tag.ReferencedStudySequence: nested(f, 2), tag.WindowCenter: []string{"3"}, tag.WindowWidth: []string{"6"}}}.Bytes(f))
	f.Add(datatest.DICOM{Syntax: "1.2.840.10008.1.2.4.50", Elements: elements{tag.BitsAllocated: []int{8}, tag.BitsStored: []int{8}, tag.HighBit: []int{7}}, Fragments: [][]byte{grey(f, 3, 2, 9)}}.Bytes(f))
	for _, r := range refusals(f) {
		f.Add(r.content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		fuzztest.Bounded(t, len(content), func() { _ = decodeAll(content) })
	})
}
