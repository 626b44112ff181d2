package parity_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/runners/parity"
	"github.com/dlbench/dlbench/workloads/tensors"
	"github.com/dlbench/dlbench/workloads/window"
)

// A volume of 8×12 made of four images of 4×6, two of each slot. Its four corners
// are covered by one patch each, and what lies there is what the network says of
// the image: here 1000·image + 100·class + 10·row + column.
func TestCheckVolume(t *testing.T) {
	of := func(image, class, y, x int) float64 { return float64(1000*image + 100*class + 10*y + x + 1) }
	dir := t.TempDir()
	slot := func(first int) value {
		v := value{Shape: []int{2, 3, 4, 6}}
		for image := range 2 {
			for class := range 3 {
				for i := range 24 {
					v.Data = append(v.Data, of(first+image, class, i/6, i%6))
				}
			}
		}
		return v
	}
	verified := filepath.Join(dir, "verified")
	if err := (values{"output.logits": slot(0), "output.logits.slot1": slot(2)}).Write(verified); err != nil {
		t.Fatal(err)
	}
	verdict := parity.Verdict{Precision: "fp32", Expected: verified}
	w := window.Window{Size: []int{8, 12}, Overlap: 0.5}
	regions, err := w.Alone([]int{4, 6}, 4)
	if err != nil || len(regions) != 4 {
		t.Fatalf("%+v, %v", regions, err)
	}
	honest := func(class, y, x int) float64 {
		if (y < 2 || y >= 6) && (x < 3 || x >= 9) {
			return of(y/4*2+x/6, class, y%4, x%6)
		}
		return -1 // several patches count
	}
	for name, tt := range map[string]struct {
		at     func(class, y, x int) float64
		size   []int
		passes bool
		says   string
	}{
		"honest":        {honest, []int{8, 12}, true, ""},
		"rounded":       {func(c, y, x int) float64 { return honest(c, y, x) * (1 + 1e-5) }, []int{8, 12}, true, ""},
		"another size":  {honest, []int{12, 8}, false, "shape [3 12 8], expected [3 8 12]"},
		"a lost patch":  {func(c, y, x int) float64 { return honest(c, y, x) * lost(y, x) }, []int{8, 12}, false, "from [6 9] on"},
		"not a number":  {func(c, y, x int) float64 { return orNaN(honest(c, y, x), c == 1 && y == 4 && x == 5) }, []int{8, 12}, false, "is NaN"},
		"other images":  {func(c, y, x int) float64 { return honest(c, 7-y, x) }, []int{8, 12}, false, "logits from"},
		"other classes": {func(c, y, x int) float64 { return honest(2-c, y, x) }, []int{8, 12}, false, "logits from"},
	} {
		var data []float32
		for i := range 3 * 96 {
			data = append(data, float32(tt.at(i/96, i%96/12, i%12)))
		}
		path := filepath.Join(dir, "output")
		_, err := tensors.Write(path, []tensors.Tensor{{Name: "output", Shape: append([]int{3}, tt.size...), Floats: func() ([]float32, error) { return data, nil }}})
		if err != nil {
			t.Fatal(err)
		}
		check, err := verdict.CheckVolume(path, []int{8, 12}, regions)
		if err != nil || check.Passed != tt.passes || check.Layer != parity.Measured || check.Name != "whole volume" || !strings.Contains(check.Tensor, tt.says) {
			t.Errorf("%s: %+v, %v", name, check, err)
		}
	}
	if _, err := verdict.CheckVolume(filepath.Join(dir, "absent"), []int{8, 12}, regions); err == nil {
		t.Error("no error for a file that is not there")
	}
}

// lost is 0 where only the last patch counts.
func lost(y, x int) float64 {
	if y >= 6 && x >= 9 {
		return 0
	}
	return 1
}

func orNaN(v float64, none bool) float64 {
	if none {
		return nan()
	}
	return v
}
