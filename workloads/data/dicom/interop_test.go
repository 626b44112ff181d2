package dicom_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/workloads/data/datatest"
	"github.com/dlbench/dlbench/workloads/data/dicom"
)

// pydicom writes files and reads them again: what it sees in them is what is
// expected. Two decoders of JPEG may differ by a level.
func TestFilesOfPydicom(t *testing.T) {
	dir, expected := datatest.Written[map[string][][]float32](t, "numpy", "pydicom", "PIL")
	if len(expected) != 6 {
		t.Fatalf("%d files", len(expected))
	}
	parse := func(name string) (*dicom.File, error) {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return dicom.Parse(content)
	}
	for name, frames := range expected {
		f, err := parse(name)
		if err != nil || f.Frames != len(frames) {
			t.Errorf("%s: %+v, %v; want %d frames", name, f, err, len(frames))
			continue
		}
		near := 0.0
		if name == "jpeg.dcm" {
			near = 2 // its slope
		}
		for i, want := range frames {
			got, err := f.Frame(i, nil)
			if err != nil || len(got) != len(want) {
				t.Errorf("%s: frame %d has %d values, %v; want %d", name, i, len(got), err, len(want))
				continue
			}
			for k := range want {
				if math.Abs(float64(got[k]-want[k])) > near {
					t.Errorf("%s: frame %d, pixel %d is %v, want %v", name, i, k, got[k], want[k])
					break
				}
			}
		}
	}
	if _, err := parse("rle.dcm"); err == nil || !strings.Contains(err.Error(), "RLE Lossless") {
		t.Errorf("got %v", err)
	}
}
