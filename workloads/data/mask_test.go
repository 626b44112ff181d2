package data_test

import (
	"fmt"
	"image"
	"image/color"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/workloads/data"
	"github.com/dlbench/dlbench/workloads/data/datatest"
	"github.com/dlbench/dlbench/workloads/network"
)

// labelled is a mask of so many columns.
func labelled(t testing.TB, columns int, classes ...uint8) []byte {
	t.Helper()
	img := image.NewGray(image.Rect(0, 0, columns, len(classes)/columns))
	copy(img.Pix, classes)
	return asPNG(t, img)
}

func maskOf(t testing.TB, v *data.View, i int, shape []int) []int64 {
	t.Helper()
	out := make([]int64, network.Elements(shape))
	if err := v.Mask(i, shape, out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestMasks(t *testing.T) {
	palette := image.NewPaletted(image.Rect(0, 0, 3, 2), color.Palette{color.Black, color.White, color.NRGBA{255, 0, 0, 255}})
	copy(palette.Pix, []uint8{0, 1, 2, 2, 1, 0})
	scan := datatest.NIfTI{Dim: []int{2, 1, 3}, Voxels: datatest.Words(1, 2, 3, 4, 5, 6)}.Bytes()
	mask := datatest.NIfTI{Type: 2, Bits: 8, Dim: []int{2, 1, 3}, Voxels: []byte{0, 1, 2, 3, 4, 5}}.Bytes()
	slices2 := series(t, "1", 2) // 1-2.dcm is the first
	slices2["1-2_seg.png"], slices2["1-1_seg.png"] = labelled(t, 3, 0, 1, 2, 0, 1, 2), labelled(t, 3, 3, 3, 3, 0, 0, 0)
	for name, tt := range map[string]struct {
		files   map[string][]byte
		input   []int
		labels  []int
		i       int
		want    []int64
		classes int
	}{
		"a PNG's":      {map[string][]byte{"a/1.jpg": asPNG(t, filled(3, 2, color.White)), "a/1_seg.png": labelled(t, 3, 0, 1, 2, 2, 1, 0)}, []int{1, 2, 3}, []int{2, 3}, 0, []int64{0, 1, 2, 2, 1, 0}, 3},
		"of 1.nii.png": {map[string][]byte{"a/1.nii.png": asPNG(t, filled(3, 2, color.White)), "a/1.nii_seg.png": labelled(t, 3, 0, 1, 2, 2, 1, 0)}, []int{1, 2, 3}, []int{2, 3}, 0, []int64{0, 1, 2, 2, 1, 0}, 3},
		"of a palette": {map[string][]byte{"a/1.png": asPNG(t, filled(3, 2, color.White)), "a/1_seg.png": asPNG(t, palette)}, []int{1, 2, 3}, []int{2, 3}, 0, []int64{0, 1, 2, 2, 1, 0}, 3},
		"its middle":   {map[string][]byte{"a/1.png": asPNG(t, filled(3, 1, color.White)), "a/1_seg.png": labelled(t, 3, 5, 1, 7)}, []int{1, 2, 2}, []int{2, 2}, 0, []int64{1, 1, 1, 1}, 8},
		"halved":       {map[string][]byte{"a/1.png": asPNG(t, filled(4, 4, color.White)), "a/1_seg.png": labelled(t, 4, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)}, []int{1, 2, 2}, []int{2, 2}, 0, []int64{5, 7, 13, 15}, 16},
		"a slice's":    {map[string][]byte{"1.nii": scan, "1_seg.nii.gz": datatest.Gzip(t, mask, "")}, []int{1, 1, 2}, []int{1, 2}, 1, []int64{2, 3}, 6},
		"a volume's":   {map[string][]byte{"1.nii.gz": datatest.Gzip(t, scan, ""), "1_seg.nii": mask}, []int{1, 3, 1, 2}, []int{3, 1, 2}, 0, []int64{0, 1, 2, 3, 4, 5}, 6},
		"longer":       {map[string][]byte{"1.nii": scan, "1_seg.nii": mask}, []int{1, 6, 1, 1}, []int{6, 1, 1}, 0, []int64{0, 0, 2, 2, 4, 4}, 6},
		"a series'":    {slices2, []int{1, 2, 2, 3}, []int{2, 2, 3}, 0, []int64{0, 1, 2, 0, 1, 2, 3, 3, 3, 0, 0, 0}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			v := opened(t, folder(t, tt.files), tt.input)
			if got, err := v.Masks(); got != tt.classes || err != nil {
				t.Errorf("%d classes, %v, want %d", got, err, tt.classes)
			}
			if got := maskOf(t, v, tt.i, tt.labels); !slices.Equal(got, tt.want) {
				t.Errorf("labels %v, want %v", got, tt.want)
			}
		})
	}
}

// A mask is no input, and another one is another set.
func TestMasksAreNoImages(t *testing.T) {
	files := map[string][]byte{"a/1.png": asPNG(t, filled(3, 1, color.White)), "a/1_seg.png": labelled(t, 3, 0, 1, 2), "a/2_seg.png": asPNG(t, filled(1, 1, color.White))}
	dir := folder(t, files)
	if v := opened(t, dir, []int{1, 2, 2}); v.Len() != 2 { // 2_seg.png is the mask of nothing
		t.Errorf("%d images", v.Len())
	}
	other := maps.Clone(files)
	other["a/1_seg.png"] = labelled(t, 3, 0, 1, 1)
	if mustOpen(t, dir).Digest == mustOpen(t, folder(t, other)).Digest {
		t.Error("another mask has the same digest")
	}
	if v := opened(t, folder(t, map[string][]byte{"a/1.png": files["a/1.png"]}), []int{1, 2, 2}); v != nil {
		if n, err := v.Masks(); n != 0 || err != nil {
			t.Errorf("without masks there are %d classes, %v", n, err)
		}
	}
	delete(files, "a/2_seg.png")
	v := opened(t, dir, []int{1, 2, 2})
	if err := os.WriteFile(filepath.Join(dir, "a", "1_seg.png"), other["a/1_seg.png"], 0o644); err != nil {
		t.Fatal(err)
	}
	if err := v.Mask(0, []int{2, 2}, make([]int64, 4)); err == nil || !strings.Contains(err.Error(), `a/1_seg.png": it is another one`) {
		t.Errorf("got %v", err)
	}
}

func TestNoMasks(t *testing.T) {
	white := asPNG(t, filled(3, 2, color.White))
	scan := datatest.NIfTI{Dim: []int{2, 1, 2}, Voxels: datatest.Words(1, 2, 3, 4)}.Bytes()
	for name, tt := range map[string]struct {
		image, mask string
		content     []byte
		want        string
	}{
		"another size":  {"1.png", "1_seg.png", labelled(t, 2, 0, 1), "it is 2×1×1, expected 3×2×1 as the image that it is the mask of"},
		"colours":       {"1.png", "1_seg.png", asPNG(t, filled(3, 2, color.NRGBA{255, 0, 0, 255})), "it has colours, expected grey values or a palette"},
		"no PNG":        {"1.png", "1_seg.png", []byte("x"), "not a PNG that can be read"},
		"of a volume":   {"1.nii", "1_seg.nii", datatest.NIfTI{Dim: []int{2, 1, 3}, Voxels: make([]byte, 12)}.Bytes(), "it is 2×1×3, expected 2×1×2"},
		"negative ones": {"1.nii", "1_seg.nii", datatest.NIfTI{Dim: []int{2, 1, 2}, Voxels: datatest.Words(0, 1, -1, 2)}.Bytes(), "it has the value -1, expected classes"},
		"halves":        {"1.nii", "1_seg.nii", datatest.NIfTI{Dim: []int{2, 1, 2}, Slope: 0.5, Voxels: datatest.Words(0, 1, 1, 2)}.Bytes(), "it has the value 0.5, expected classes"},
		"no numbers":    {"1.nii", "1_seg.nii", datatest.NIfTI{Type: 16, Bits: 32, Dim: []int{1}, Voxels: []byte{0, 0, 0xC0, 0x7F}}.Bytes(), "it has the value NaN, expected classes"},
	} {
		content := white
		if strings.HasSuffix(tt.image, ".nii") {
			content = scan
		}
		_, err := data.Open(folder(t, map[string][]byte{"a/" + tt.image: content, "a/" + tt.mask: tt.content}))
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("a/%s\": %s", tt.mask, tt.want)) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
	mask := datatest.NIfTI{Type: 2, Bits: 8, Dim: []int{2, 1, 2}, Voxels: make([]byte, 4)}.Bytes()
	_, err := data.Open(folder(t, map[string][]byte{"a/1.nii": scan, "a/1_seg.nii": mask, "a/1_seg.nii.gz": datatest.Gzip(t, mask, "")}))
	if err == nil || !strings.Contains(err.Error(), `a/1_seg.nii.gz": it is a mask of the same image as`) {
		t.Errorf("two masks of one image: got %v", err)
	}
	v := opened(t, folder(t, map[string][]byte{"a/1.png": white, "a/1_seg.png": labelled(t, 3, 0, 1, 2, 0, 1, 2), "a/2.png": white}), []int{1, 2, 3})
	if _, err := v.Masks(); err == nil || !strings.Contains(err.Error(), `a/2.png": it has no mask, and others have: expected 2_seg.png, .nii or .nii.gz beside it`) {
		t.Errorf("got %v", err)
	}
}
