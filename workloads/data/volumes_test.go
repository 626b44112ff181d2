package data_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"image/color"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/dlbench/dlbench/workloads/data"
	"github.com/dlbench/dlbench/workloads/data/datatest"
	"github.com/dlbench/dlbench/workloads/network"
)

// slice is a file of a series in which all six pixels have one value.
func slice(t testing.TB, series, z string, value int, more map[tag.Tag]any) []byte {
	t.Helper()
	e := datatest.At(series, z)
	maps.Copy(e, more)
	return datatest.DICOM{Elements: e, Pixels: datatest.Words(slices.Repeat([]int{value}, 6)...)}.Bytes(t)
}

// series are slices at 0, 5, 10 … millimetres with the values 0, 100, 200 …
func series(t testing.TB, id string, n int) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for i := range n {
		// The names go the other way, so that it is not their order that counts.
		files[fmt.Sprintf("%s-%d.dcm", id, n-i)] = slice(t, id, fmt.Sprint(5*i), 100*i, nil)
	}
	return files
}

func in(folder string, files map[string][]byte) map[string][]byte {
	moved := map[string][]byte{}
	for name, content := range files {
		moved[folder+"/"+name] = content
	}
	return moved
}

func with(all ...map[string][]byte) map[string][]byte {
	merged := map[string][]byte{}
	for _, files := range all {
		maps.Copy(merged, files)
	}
	return merged
}

// filledIn is an input, with what normalisation does to one channel undone.
func filledIn(t testing.TB, v *data.View, i int, shape []int) []float64 {
	t.Helper()
	out := make([]float32, network.Elements(shape))
	if err := v.Fill(i, shape, out); err != nil {
		t.Fatal(err)
	}
	grey := make([]float64, len(out))
	for k, x := range out {
		grey[k] = float64(x)*0.226 + 0.449
	}
	return grey
}

func near(a, b []float64) bool {
	return slices.EqualFunc(a, b, func(x, y float64) bool { return math.Abs(x-y) < 1e-6 })
}

func TestASeriesIsAVolume(t *testing.T) {
	dir := folder(t, with(in("ill", series(t, "1.1", 5)), in("well", with(series(t, "1.2", 3), series(t, "1.3", 4)))))
	shape := []int{1, 5, 1, 1}
	v := opened(t, dir, shape)
	if v.Len() != 3 || v.Label(0) != 0 || v.Label(1) != 1 || v.Label(2) != 1 || v.Source != data.VolumeSource || !slices.Equal(v.Formats, []string{"dicom"}) {
		t.Fatalf("%d %s of %q", v.Len(), v.Source, v.Formats)
	}
	if got, want := filledIn(t, v, 0, shape), []float64{0, 0.25, 0.5, 0.75, 1}; !near(got, want) {
		t.Errorf("slices %v, want %v", got, want)
	}
	flat := opened(t, folder(t, with(series(t, "1.1", 5), series(t, "1.2", 3))), shape)
	if flat.Len() != 2 || flat.Label(1) != 0 {
		t.Errorf("without folders there are %d volumes", flat.Len())
	}
	slicesOf := opened(t, dir, []int{1, 4, 4})
	if slicesOf.Len() != 12 || slicesOf.Source != data.SliceSource || !slices.Equal(slicesOf.Formats, []string{"dicom"}) {
		t.Errorf("%d %s of %q", slicesOf.Len(), slicesOf.Source, slicesOf.Formats)
	}
}

// Archives and scanners name files by numbers, without an ending that says what
// they are. A disk of them has an index, and may have a reader's files.
func TestDICOMFilesUnderAnyName(t *testing.T) {
	named, began := map[string][]byte{}, series(t, "1.1", 3)
	for k, name := range []string{"IM000001", "1.2.840.113619.2.55.3", "CT.IMA"} {
		named[name] = began[fmt.Sprintf("1.1-%d.dcm", 3-k)]
	}
	beside := map[string][]byte{"DICOMDIR": began["1.1-1.dcm"], ".hidden": began["1.1-1.dcm"], "README": []byte("short"), "viewer.exe": make([]byte, 500)}
	shape := []int{1, 3, 1, 1}
	for name, dir := range map[string]string{"folder": folder(t, in("ill", with(named, beside))), "flat": folder(t, with(named, beside))} {
		v := opened(t, dir, shape)
		if got, want := filledIn(t, v, 0, shape), []float64{0, 0.5, 1}; v.Len() != 1 || !near(got, want) {
			t.Errorf("%s: %d volumes, slices %v, want %v", name, v.Len(), got, want)
		}
	}
}

// By hand. Linear, half-pixel; a kernel of twice the width takes [1 2 … 2 1].
func TestTrilinear(t *testing.T) {
	nii := datatest.NIfTI{Dim: []int{2, 1, 2}, Voxels: datatest.Words(0, 0, 0, 100)}
	for name, tt := range map[string]struct {
		file  datatest.NIfTI
		shape []int
		want  []float64
	}{
		"as it is":   {nii, []int{1, 2, 1, 2}, []float64{0, 0, 0, 1}},
		"longer":     {nii, []int{1, 4, 1, 2}, []float64{0, 0, 0, 0.25, 0, 0.75, 0, 1}},
		"one voxel":  {nii, []int{1, 1, 1, 1}, []float64{0}}, // the middle of a row of 1 is its first
		"wider":      {datatest.NIfTI{Dim: []int{2, 4, 2}, Voxels: datatest.Words(0, 100, 0, 100, 0, 100, 0, 100, 0, 100, 0, 100, 0, 100, 0, 100)}, []int{1, 1, 1, 1}, []float64{0.5}},
		"halved":     {datatest.NIfTI{Dim: []int{1, 1, 4}, Voxels: datatest.Words(0, 70, 0, 70)}, []int{1, 2, 1, 1}, []float64{3.0 / 7, 4.0 / 7}},
		"first axis": {datatest.NIfTI{Dim: []int{3, 3, 3}, Voxels: datatest.Words(slices.Repeat([]int{0, 5, 10}, 9)...)}, []int{1, 3, 3, 3}, slices.Repeat([]float64{0, 0.5, 1}, 9)},
	} {
		v := opened(t, folder(t, map[string][]byte{"a.nii": tt.file.Bytes()}), tt.shape)
		if got := filledIn(t, v, 0, tt.shape); !near(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

func TestSlicesOfNIfTI(t *testing.T) {
	order := binary.BigEndian
	var voxels []byte
	for _, v := range []int{0, 0, 10, 10, 20, 20} {
		voxels = order.AppendUint16(voxels, uint16(v))
	}
	plain := datatest.NIfTI{Order: order, Dim: []int{2, 1, 3}, Voxels: voxels}.Bytes()
	dir := folder(t, map[string][]byte{"a/1.nii": plain, "a/2.nii.gz": datatest.Gzip(t, plain, "other"), "b/1.png": asPNG(t, filled(4, 4, color.White))})
	shape := []int{1, 1, 1}
	v := opened(t, dir, shape)
	if v.Len() != 7 || v.Source != data.SliceSource || !slices.Equal(v.Formats, []string{"images", "nifti"}) || v.Label(5) != 0 || v.Label(6) != 1 {
		t.Fatalf("%d %s of %q", v.Len(), v.Source, v.Formats)
	}
	for i, want := range []float64{0, 0.5, 1, 0, 0.5, 1, 1} {
		if got := filledIn(t, v, i, shape); math.Abs(got[0]-want) > 1e-5 {
			t.Errorf("slice %d is %v, want %v", i, got, want)
		}
	}
}

func TestGreyValues(t *testing.T) {
	window := map[tag.Tag]any{tag.WindowCenter: []string{"100.5"}, tag.WindowWidth: []string{"101"}} // 50 to 150
	inverted := map[tag.Tag]any{tag.PhotometricInterpretation: []string{"MONOCHROME1"}}
	ramp := datatest.Words(0, 40, 60, 100, 120, 200)
	nan := datatest.NIfTI{Type: 16, Bits: 32, Dim: []int{3, 2}}
	for _, x := range []float64{0, 40, math.NaN(), 100, math.Inf(1), 200} {
		nan.Voxels = binary.LittleEndian.AppendUint32(nan.Voxels, math.Float32bits(float32(x)))
	}
	shown := datatest.NIfTI{Dim: []int{3, 2}, Voxels: ramp, CalMin: 50, CalMax: 150}
	for name, tt := range map[string]struct {
		file    string
		content []byte
		want    []float64
	}{
		"all values":   {"1.dcm", datatest.DICOM{Pixels: ramp}.Bytes(t), []float64{0, 0.2, 0.3, 0.5, 0.6, 1}},
		"window":       {"1.dcm", datatest.DICOM{Elements: window, Pixels: ramp}.Bytes(t), []float64{0, 0, 0.1, 0.5, 0.7, 1}},
		"inverted":     {"1.dcm", datatest.DICOM{Elements: inverted, Pixels: ramp}.Bytes(t), []float64{1, 0.8, 0.7, 0.5, 0.4, 0}},
		"one value":    {"1.dcm", datatest.DICOM{Pixels: datatest.Words(7, 7, 7, 7, 7, 7)}.Bytes(t), []float64{0, 0, 0, 0, 0, 0}},
		"cal_min, max": {"1.nii", shown.Bytes(), []float64{0, 0, 0.1, 0.5, 0.7, 1}},
		"no numbers":   {"1.nii", nan.Bytes(), []float64{0, 0.2, 0, 0.5, 0, 1}},
	} {
		shape := []int{1, 2, 3}
		v := opened(t, folder(t, map[string][]byte{tt.file: tt.content}), shape)
		if got := filledIn(t, v, 0, shape); !near(got, tt.want) {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

// Three channels have the same grey, each with its own mean and deviation.
func TestChannelsOfSlices(t *testing.T) {
	v := opened(t, folder(t, map[string][]byte{"1.dcm": datatest.DICOM{Pixels: datatest.Words(0, 0, 0, 9, 9, 9)}.Bytes(t)}), []int{3, 2, 3})
	out := make([]float32, 18)
	if err := v.Fill(0, []int{3, 2, 3}, out); err != nil {
		t.Fatal(err)
	}
	for i, want := range map[int]float64{0: -0.485 / 0.229, 3: (1 - 0.485) / 0.229, 6: -0.456 / 0.224, 9: (1 - 0.456) / 0.224, 12: -0.406 / 0.225, 17: (1 - 0.406) / 0.225} {
		if math.Abs(float64(out[i])-want) > 1e-6 {
			t.Errorf("element %d is %v, want %v", i, out[i], want)
		}
	}
}

// Two slices that are shown in different windows are one volume in the first one's.
func TestOneWindowForAVolume(t *testing.T) {
	window := func(center string) map[tag.Tag]any {
		return map[tag.Tag]any{tag.WindowCenter: []string{center}, tag.WindowWidth: []string{"101"}}
	}
	dir := folder(t, map[string][]byte{"2.dcm": slice(t, "1", "0", 75, window("50.5")), "1.dcm": slice(t, "1", "1", 75, window("500"))})
	shape := []int{1, 2, 1, 1}
	if got, want := filledIn(t, opened(t, dir, shape), 0, shape), []float64{0.75, 0.75}; !near(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// Without positions the slices' numbers count, and frames are slices.
func TestOrderWithoutPositions(t *testing.T) {
	numbered := func(number string, value int) []byte {
		return slice(t, "1", "0", value, map[tag.Tag]any{tag.InstanceNumber: []string{number}, tag.ImagePositionPatient: nil, tag.ImageOrientationPatient: nil})
	}
	frames := datatest.DICOM{Elements: map[tag.Tag]any{tag.NumberOfFrames: []string{"3"}, tag.Rows: []int{1}, tag.Columns: []int{1}}, Pixels: datatest.Words(0, 50, 100)}
	for name, files := range map[string]map[string][]byte{
		"numbers": {"a.dcm": numbered("12", 100), "b.dcm": numbered("8", 0), "c.dcm": numbered("10", 50)},
		"frames":  {"a.dcm": frames.Bytes(t)},
	} {
		shape := []int{1, 3, 1, 1}
		if got, want := filledIn(t, opened(t, folder(t, files), shape), 0, shape), []float64{0, 0.5, 1}; !near(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestNoVolume(t *testing.T) {
	five := series(t, "1.1", 5)
	without := func(name string, instead []byte) map[string][]byte {
		files := maps.Clone(five)
		delete(files, name)
		if instead != nil {
			files["x.dcm"] = instead
		}
		return files
	}
	gap := without("1.1-3.dcm", nil)
	for name, tt := range map[string]struct {
		files map[string][]byte
		want  []string
	}{
		"a slice is missing": {gap, []string{`1.1-2.dcm": slices of its series are missing or unequally spaced: it lies 10.000 after `, `1.1-4.dcm", the usual distance is 5.000`}},
		"unequal":            {without("1.1-3.dcm", slice(t, "1.1", "10.8", 1, nil)), []string{`x.dcm": slices of its series are missing or unequally spaced: it lies 5.800 after`}},
		"twice the same":     {without("1.1-3.dcm", slice(t, "1.1", "5", 1, nil)), []string{`x.dcm": it lies at the same place as `}},
		"another size":       {without("1.1-3.dcm", slice(t, "1.1", "10", 1, map[tag.Tag]any{tag.Rows: []int{3}, tag.Columns: []int{2}})), []string{`x.dcm": it is 2×3 pixels, expected 3×2 as in "`, `1.1-1.dcm", which is of the same series`}},
		"turned":             {without("1.1-3.dcm", slice(t, "1.1", "10", 1, map[tag.Tag]any{tag.ImageOrientationPatient: []string{"0", "1", "0", "1", "0", "0"}})), []string{`x.dcm": its slice is turned against that of "`}},
		"no position":        {without("1.1-3.dcm", slice(t, "1.1", "10", 1, map[tag.Tag]any{tag.ImagePositionPatient: nil, tag.ImageOrientationPatient: nil})), []string{`x.dcm": only one of two has an ImagePositionPatient`}},
		"frames beside":      {without("1.1-3.dcm", slice(t, "1.1", "10", 1, map[tag.Tag]any{tag.NumberOfFrames: []string{"2"}, tag.Rows: []int{1}})), []string{`x.dcm": it has 2 frames, expected 1 as long as there is "`}},
		"one slice":          {series(t, "1", 1), []string{`1-1.dcm": it is the only slice of its series`}},
		"no series":          {without("1.1-3.dcm", slice(t, "1.1", "10", 1, map[tag.Tag]any{tag.SeriesInstanceUID: nil})), []string{`x.dcm": it has no SeriesInstanceUID`}},
		"no place at all": {map[string][]byte{
			"a.dcm": slice(t, "1", "0", 1, map[tag.Tag]any{tag.ImagePositionPatient: nil, tag.ImageOrientationPatient: nil}),
			"b.dcm": slice(t, "1", "0", 1, map[tag.Tag]any{tag.ImagePositionPatient: nil, tag.ImageOrientationPatient: nil, tag.InstanceNumber: nil}),
		}, []string{`b.dcm": it has neither ImagePositionPatient nor InstanceNumber`}},
		"in two folders": {with(in("a", gap), in("b", map[string][]byte{"1.dcm": five["1.1-3.dcm"]})), []string{`b/1.dcm": it is in another folder than "`}},
		"a photograph":   {with(in("a", five), map[string][]byte{"b/1.png": asPNG(t, filled(2, 2, color.White))}), []string{`b/1.png": the network takes volumes`}},
		"a flat NIfTI":   {map[string][]byte{"1.nii": datatest.NIfTI{Dim: []int{2, 2}, Voxels: make([]byte, 8)}.Bytes()}, []string{`1.nii": it has 1 slice`}},
	} {
		t.Run(name, func(t *testing.T) {
			s := mustOpen(t, folder(t, tt.files))
			_, err := s.For([]int{1, 4, 4, 4})
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
					t.Errorf("got %v, want %q", err, want)
				}
			}
			if _, err := s.For([]int{1, 4, 4}); err != nil {
				t.Errorf("its slices are no images: %v", err)
			}
		})
	}
}

func TestBrokenFilesAreNamed(t *testing.T) {
	nii := datatest.NIfTI{Dim: []int{2, 2}, Voxels: make([]byte, 8)}.Bytes()
	for name, tt := range map[string]struct {
		files map[string][]byte
		want  string
	}{
		"DICOM":           {map[string][]byte{"a/1.dcm": []byte("x"), "a/2.nii": nii}, `DICOM file "`},
		"NIfTI":           {map[string][]byte{"a/1.nii": nii[:355]}, `a/1.nii": it is broken: it ends before its last voxel`},
		"gzip":            {map[string][]byte{"a/1.nii.gz": datatest.Gzip(t, nii, "")[:40]}, `NIfTI file "`},
		"beside a folder": {map[string][]byte{"1.nii": nii, "a/1.nii": nii}, "DICOM or NIfTI files lie beside folders"},
	} {
		if _, err := data.Open(folder(t, tt.files)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

// What is measured is what was looked at, in slices and in volumes.
func TestFillNoticesAnotherVolume(t *testing.T) {
	old := datatest.NIfTI{Dim: []int{2, 2, 2}, Voxels: datatest.Words(1, 2, 3, 4, 5, 6, 7, 8)}.Bytes()
	now := bytes.Clone(old)
	now[len(now)-1]++
	for _, shape := range [][]int{{1, 2, 2}, {1, 2, 2, 2}} {
		dir := folder(t, map[string][]byte{"1.nii": old})
		v := opened(t, dir, shape)
		if err := os.WriteFile(filepath.Join(dir, "1.nii"), now, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := v.Fill(0, shape, make([]float32, 8)); err == nil || !strings.Contains(err.Error(), `1.nii": it is another one than when the directory was read first`) {
			t.Errorf("%v: %v", shape, err)
		}
	}
	files := series(t, "1", 2)
	dir := folder(t, files)
	v := opened(t, dir, []int{1, 2, 2, 2})
	if err := os.WriteFile(filepath.Join(dir, "1-1.dcm"), files["1-2.dcm"], 0o644); err != nil {
		t.Fatal(err)
	}
	if err := v.Fill(0, []int{1, 2, 2, 2}, make([]float32, 8)); err == nil || !strings.Contains(err.Error(), `1-1.dcm": it is another one`) {
		t.Errorf("got %v", err)
	}
}
