package dicom_test

import (
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/workloads/data/dicom"
)

// pydicom writes files and reads them again: what it sees in them is what is
// expected. Two decoders of JPEG may differ by a level.
func TestFilesOfPydicom(t *testing.T) {
	command := os.Getenv("DLBENCH_TEST_PYTHON")
	if command == "" {
		command = "python3"
	}
	if out, err := exec.Command(command, "-c", "import numpy, pydicom, PIL").CombinedOutput(); err != nil {
		t.Skipf("%s has no numpy, pydicom and pillow (DLBENCH_TEST_PYTHON names another): %v: %s", command, err, out)
	}
	dir := t.TempDir()
	if out, err := exec.Command(command, "testdata/write.py", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expected map[string][][]float32
	if err := json.Unmarshal(text, &expected); err != nil {
		t.Fatal(err)
	}
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
