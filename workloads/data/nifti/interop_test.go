package nifti_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/workloads/data/datatest"
)

// nibabel writes files and reads them again: what it sees in them is what is
// expected.
func TestFilesOfNibabel(t *testing.T) {
	dir, expected := datatest.Written[map[string][]float32](t, "numpy", "nibabel")
	read := func(name string) []byte {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return content
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
