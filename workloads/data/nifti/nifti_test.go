package nifti_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/workloads/data/datatest"
	"github.com/dlbench/dlbench/workloads/data/nifti"
	"github.com/dlbench/dlbench/workloads/fuzztest"
)

// voxels are all of a file's.
func voxels(content []byte) (*nifti.Header, []float32, error) {
	var all []float32
	h, err := nifti.Read(bytes.NewReader(content), func(_ *nifti.Header, z int, plane []float32) error {
		all = append(all, plane...)
		return nil
	})
	return h, all, err
}

// stored are numbers as a type has them.
func stored(t testing.TB, order binary.ByteOrder, values any) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := binary.Write(&b, order, values); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestTypes(t *testing.T) {
	for name, tt := range map[string]struct {
		code, bits int
		values     any
		want       []float32
	}{
		"uint8":   {2, 8, []uint8{0, 1, 200, 255}, []float32{0, 1, 200, 255}},
		"int8":    {256, 8, []int8{0, 1, -128, 127}, []float32{0, 1, -128, 127}},
		"int16":   {4, 16, []int16{0, 1, -1024, 32767}, []float32{0, 1, -1024, 32767}},
		"uint16":  {512, 16, []uint16{0, 1, 40000, 65535}, []float32{0, 1, 40000, 65535}},
		"int32":   {8, 32, []int32{0, 1, -70000, 70000}, []float32{0, 1, -70000, 70000}},
		"uint32":  {768, 32, []uint32{0, 1, 1 << 31, 70000}, []float32{0, 1, 1 << 31, 70000}},
		"float32": {16, 32, []float32{0, 0.5, -1e6, 3}, []float32{0, 0.5, -1e6, 3}},
		"float64": {64, 64, []float64{0, 0.5, -1e6, 3}, []float32{0, 0.5, -1e6, 3}},
		"int64":   {1024, 64, []int64{0, 1, -70000, 1 << 40}, []float32{0, 1, -70000, 1 << 40}},
		"uint64":  {1280, 64, []uint64{0, 1, 1 << 63, 1 << 40}, []float32{0, 1, 1 << 63, 1 << 40}},
	} {
		for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			file := datatest.NIfTI{Order: order, Type: tt.code, Bits: tt.bits, Dim: []int{2, 1, 2}, Voxels: stored(t, order, tt.values)}.Bytes()
			for form, content := range map[string][]byte{"plain": file, "gzip": datatest.Gzip(t, file, "")} {
				if h, got, err := voxels(content); err != nil || !slices.Equal(got, tt.want) || h.Width != 2 || h.Height != 1 || h.Depth != 2 {
					t.Errorf("%s, %v, %s: %v, %v, want %v", name, order, form, got, err, tt.want)
				}
			}
		}
	}
}

func TestScale(t *testing.T) {
	plain := datatest.NIfTI{Dim: []int{3}, Voxels: datatest.Words(0, 1, 2)}
	scaled := plain
	scaled.Slope, scaled.Intercept, scaled.CalMin, scaled.CalMax = 0.5, -10, -9, 40
	unused := plain
	unused.Intercept = 7 // a slope of 0 says that there is no scale
	trailing := plain
	trailing.Dim = []int{3, 1, 1, 1, 1}
	for name, tt := range map[string]struct {
		file      datatest.NIfTI
		want      []float32
		low, high float64
	}{
		"plain": {plain, []float32{0, 1, 2}, 0, 0}, "scaled": {scaled, []float32{-10, -9.5, -9}, -9, 40},
		"unused": {unused, []float32{0, 1, 2}, 0, 0}, "trailing dimensions": {trailing, []float32{0, 1, 2}, 0, 0},
	} {
		if h, got, err := voxels(tt.file.Bytes()); err != nil || !slices.Equal(got, tt.want) || h.Low != tt.low || h.High != tt.high {
			t.Errorf("%s: %v in %+v, %v", name, got, h, err)
		}
	}
}

// Voxels lie after the header's extensions.
func TestExtensions(t *testing.T) {
	file := datatest.NIfTI{Dim: []int{2}, Voxels: append(make([]byte, 32), datatest.Words(5, 6)...)}.Bytes()
	binary.LittleEndian.PutUint32(file[108:], math.Float32bits(384))
	if _, got, err := voxels(file); err != nil || !slices.Equal(got, []float32{5, 6}) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestEnough(t *testing.T) {
	file := datatest.NIfTI{Dim: []int{1, 1, 3}, Voxels: datatest.Words(5, 6, 7)}.Bytes()
	var seen []int
	_, err := nifti.Read(bytes.NewReader(file[:len(file)-2]), func(_ *nifti.Header, z int, _ []float32) error {
		if seen = append(seen, z); z == 1 {
			return nifti.ErrEnough
		}
		return nil
	})
	if err != nil || !slices.Equal(seen, []int{0, 1}) {
		t.Errorf("slices %v, %v", seen, err)
	}
}

const mark = "MARKED9"

func refusals(t testing.TB) map[string]struct {
	content []byte
	want    string
} {
	good := datatest.NIfTI{Dim: []int{2, 2, 2}, Text: mark, Voxels: make([]byte, 16)}
	file := func(change func(n *datatest.NIfTI)) []byte {
		n := good
		change(&n)
		return n.Bytes()
	}
	bytesOf := func(change func(b []byte)) []byte {
		b := good.Bytes()
		change(b)
		return b
	}
	float := func(at int, v float32) []byte {
		return bytesOf(func(b []byte) { binary.LittleEndian.PutUint32(b[at:], math.Float32bits(v)) })
	}
	zipped := datatest.Gzip(t, good.Bytes(), mark)
	wrong := slices.Clone(zipped)
	wrong[len(wrong)-6]++ // the check sum
	return map[string]struct {
		content []byte
		want    string
	}{
		"text":           {[]byte(strings.Repeat(mark, 100)), "not a NIfTI-1 file: its header does not begin with its length"},
		"empty":          {nil, "it ends within its header"},
		"cut off":        {good.Bytes()[:367], "it ends before its last voxel"},
		"gzip cut off":   {zipped[:len(zipped)-9], "it ends before its last voxel, or its gzip is damaged"},
		"check sum":      {wrong, "its gzip is damaged"},
		"no gzip":        {[]byte("\x1f\x8b" + mark), "its gzip header cannot be read"},
		"NIfTI-2":        {bytesOf(func(b []byte) { binary.LittleEndian.PutUint32(b, 540) }), "it is NIfTI-2"},
		"big NIfTI-2":    {bytesOf(func(b []byte) { binary.BigEndian.PutUint32(b, 540) }), "it is NIfTI-2"},
		"a pair":         {bytesOf(func(b []byte) { copy(b[344:], "ni1\x00") }), "its voxels are in another file"},
		"Analyze":        {bytesOf(func(b []byte) { copy(b[344:], mark[:4]) }), "it has no magic n+1"},
		"no dimensions":  {file(func(n *datatest.NIfTI) { n.Dim = nil }), "it has 0 dimensions"},
		"none of one":    {file(func(n *datatest.NIfTI) { n.Dim = []int{2, 0, 2} }), "its dimension 2 has 0 voxels"},
		"times":          {file(func(n *datatest.NIfTI) { n.Dim = []int{2, 2, 1, 2} }), "it holds several volumes: its dimension 4 has 2"},
		"a bomb":         {file(func(n *datatest.NIfTI) { n.Dim = []int{32767, 32767, 32767} }), "it is 32767×32767×32767 voxels, expected at most"},
		"a large slice":  {file(func(n *datatest.NIfTI) { n.Dim = []int{7000, 7000, 20} }), "it ends before its last voxel"},
		"colour":         {file(func(n *datatest.NIfTI) { n.Type, n.Bits = 128, 24 }), "its voxels are of NIfTI's type 128"},
		"complex":        {file(func(n *datatest.NIfTI) { n.Type, n.Bits = 32, 64 }), "its voxels are of NIfTI's type 32"},
		"bits":           {file(func(n *datatest.NIfTI) { n.Type, n.Bits = 4, 32 }), "its voxels of type 4 have 32 bits, expected 16"},
		"a slope":        {float(112, float32(math.Inf(1))), "its scl_slope is +Inf"},
		"no number":      {float(116, float32(math.NaN())), ""}, // the slope is 0
		"an offset":      {float(108, 100), "its voxels begin at byte 100"},
		"a half offset":  {float(108, 352.5), "its voxels begin at byte 352.5"},
		"no offset":      {float(108, float32(math.NaN())), "its voxels begin at byte NaN"},
		"a large offset": {float(108, 1e9), "its voxels begin at byte 1e+09"},
	}
}

func TestRefusals(t *testing.T) {
	for name, tt := range refusals(t) {
		t.Run(name, func(t *testing.T) {
			fuzztest.Bounded(t, 0, func() {
				_, _, err := voxels(tt.content)
				switch {
				case tt.want == "":
					if err != nil {
						t.Error(err)
					}
				case err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n"):
					t.Errorf("got %v, want %q", err, tt.want)
				case strings.Contains(err.Error(), mark):
					t.Errorf("the error quotes the file: %v", err)
				}
			})
		})
	}
}

func FuzzRead(f *testing.F) {
	for _, r := range refusals(f) {
		f.Add(r.content)
	}
	f.Add(datatest.NIfTI{Order: binary.BigEndian, Type: 64, Bits: 64, Dim: []int{2, 2, 2}, Slope: 2, Intercept: 1, Voxels: make([]byte, 64)}.Bytes())
	f.Fuzz(func(t *testing.T, content []byte) {
		fuzztest.Bounded(t, len(content), func() {
			_, _ = nifti.Read(bytes.NewReader(content), func(*nifti.Header, int, []float32) error { return nil })
		})
	})
}
