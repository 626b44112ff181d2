package nifti_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// nibabel writes files and reads them again: what it sees in them is what is
// expected.
func TestFilesOfNibabel(t *testing.T) {
	command := os.Getenv("DLBENCH_TEST_PYTHON")
	if command == "" {
		command = "python3"
	}
	if out, err := exec.Command(command, "-c", "import numpy, nibabel").CombinedOutput(); err != nil {
		t.Skipf("%s has no numpy and nibabel (DLBENCH_TEST_PYTHON names another): %v: %s", command, err, out)
	}
	dir := t.TempDir()
	if out, err := exec.Command(command, "testdata/write.py", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	read := func(name string) []byte {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	var expected map[string][]float32
	if err := json.Unmarshal(read("expected.json"), &expected); err != nil {
		t.Fatal(err)
	}
	if len(expected) != 40 {
		t.Fatalf("%d files", len(expected))
	}
	for name, want := range expected {
		if h, got, err := voxels(read(name)); err != nil || !slices.Equal(got, want) || h.Width != 5 || h.Height != 4 || h.Depth != 3 {
			t.Errorf("%s: %+v, %v, %v; want %v", name, h, got, err, want)
		}
	}
	if _, _, err := voxels(read("second.nii")); err == nil || !strings.Contains(err.Error(), "NIfTI-2") {
		t.Errorf("got %v", err)
	}
	if _, _, err := voxels(read("pair.hdr")); err == nil || !strings.Contains(err.Error(), "its voxels are in another file") {
		t.Errorf("got %v", err)
	}
}
