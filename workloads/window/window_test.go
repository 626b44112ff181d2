package window_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dlbench/dlbench/workloads/window"
)

// The first is the example in nnU-Net's own code. The Python library's test has
// the same table: both sides have to lay the same patches.
func TestPatchesLieWhereNnUNetLaysThem(t *testing.T) {
	for _, tt := range []struct {
		size, patch int
		overlap     float64
		want        []int
	}{
		{110, 64, 0.5, []int{0, 23, 46}},
		{64, 64, 0.5, []int{0}},
		{65, 64, 0.5, []int{0, 1}},
		{128, 64, 0.5, []int{0, 32, 64}},
		{128, 64, 0, []int{0, 64}},
		{129, 64, 0, []int{0, 32, 65}},
		{200, 128, 0.5, []int{0, 36, 72}},
		{48, 16, 0.75, []int{0, 4, 8, 12, 16, 20, 24, 28, 32}},
	} {
		got, err := window.Window{Size: []int{7, tt.size}, Overlap: tt.overlap}.Places([]int{7, tt.patch})
		if err != nil || !cmp.Equal(got, [][]int{{0}, tt.want}) {
			t.Errorf("%d by %d: %v, %v", tt.size, tt.patch, got, err)
		}
	}
}

func TestSizesAndOverlaps(t *testing.T) {
	w, err := window.Parse("48x64x65", 0.5)
	if err != nil || !slices.Equal(w.Size, []int{48, 64, 65}) || w.String() != "48x64x65" || w.None() {
		t.Fatalf("%+v, %v", w, err)
	}
	if n, err := w.Patches([]int{16, 64, 32}); err != nil || n != 5*1*4 {
		t.Errorf("%d patches, %v", n, err)
	}
	for says, ask := range map[string]func() error{
		`volume "48"`:          func() error { _, err := window.Parse("48", 0.5); return err },
		`volume "4x0x4"`:       func() error { _, err := window.Parse("4x0x4", 0.5); return err },
		`volume "2x3x4x5"`:     func() error { _, err := window.Parse("2x3x4x5", 0.5); return err },
		"too many voxels":      func() error { _, err := window.Parse("999999x999999x999999", 0.5); return err },
		"overlap 0.95, expect": func() error { _, err := window.Parse("48x48", 0.95); return err },
		"overlap -0.1, expect": func() error { _, err := window.Parse("48x48", -0.1); return err },
		"a size of 48x64x65 has 3 axes, and the network's input has 2":       func() error { _, err := w.Places([]int{32, 32}); return err },
		"a size of 48x64x65 is smaller than the network's own input, 64x4x4": func() error { _, err := w.Places([]int{64, 4, 4}); return err },
		"would not be a voxel apart":                                         func() error { _, err := window.Window{Size: []int{9, 9}, Overlap: 0.9}.Places([]int{4, 4}); return err },
	} {
		if err := ask(); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, expected %q", err, says)
		}
	}
}

// What is alone is found again by counting, at every voxel, the patches that cover
// it.
func TestAloneIsWhatOnlyOneWholeImageCovers(t *testing.T) {
	for _, w := range []window.Window{
		{Size: []int{8, 12}, Overlap: 0.5}, {Size: []int{9, 13}, Overlap: 0.5}, {Size: []int{8, 12}, Overlap: 0}, {Size: []int{11, 17}, Overlap: 0.2}, {Size: []int{4, 6}, Overlap: 0.5},
	} {
		patch := []int{4, 6}
		places, err := w.Places(patch)
		if err != nil {
			t.Fatal(err)
		}
		regions, err := w.Alone(patch, 3)
		if err != nil || len(regions) == 0 || regions[0].Image != 0 || regions[0].Place[0] != 0 || regions[0].At[1] != 0 {
			t.Fatalf("%v: %+v, %v", w, regions, err)
		}
		wide := (w.Size[1] + patch[1] - 1) / patch[1] // images side by side
		for y := range w.Size[0] {
			for x := range w.Size[1] {
				var covering [][2]int
				for _, py := range places[0] {
					for _, px := range places[1] {
						if y >= py && y < py+4 && x >= px && x < px+6 {
							covering = append(covering, [2]int{py, px})
						}
					}
				}
				aligned := len(covering) == 1 && covering[0][0]%4 == 0 && covering[0][1]%6 == 0
				in := slices.IndexFunc(regions, func(r window.Region) bool {
					return y >= r.Place[0] && y < r.Place[0]+r.Size[0] && x >= r.Place[1] && x < r.Place[1]+r.Size[1]
				})
				if aligned != (in >= 0) {
					t.Fatalf("%v at %d, %d: covered by %v, in region %d", w, y, x, covering, in)
				}
				if !aligned {
					continue
				}
				r, c := regions[in], covering[0]
				if want := (c[0]/4*wide + c[1]/6) % 3; r.Image != want || r.Place[0]-r.At[0] != c[0] || r.Place[1]-r.At[1] != c[1] {
					t.Fatalf("%v at %d, %d: %+v, expected image %d of the patch at %v", w, y, x, r, want, c)
				}
			}
		}
	}
}
