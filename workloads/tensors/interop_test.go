package tensors_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dlbench/dlbench/workloads/pythontest"
	"github.com/dlbench/dlbench/workloads/tensors"
)

// python is an interpreter with the public safetensors library.
func python(t *testing.T) string {
	t.Helper()
	return pythontest.Find(t, "numpy", "safetensors.numpy")
}

func run(t *testing.T, command, program string, args ...string) {
	t.Helper()
	if out, err := exec.Command(command, append([]string{"-c", program}, args...)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func TestPublicLibraryReadsOurs(t *testing.T) {
	command, path := python(t), filepath.Join(t.TempDir(), "ours.safetensors")
	if _, err := tensors.Write(path, []tensors.Tensor{
		{Name: "layer.weight", Shape: []int{2, 1, 3}, Floats: floats(1, 2, 3, -4, 0.5, 1e-40)},
		{Name: "labels.0", Shape: []int{3}, Ints: ints(5, -6, 7)},
		{Name: "exact", Shape: []int{1}, Doubles: doubles(0.1)},
	}); err != nil {
		t.Fatal(err)
	}
	run(t, command, `
import sys, numpy as np
from safetensors.numpy import load_file
t = load_file(sys.argv[1])
assert set(t) == {"layer.weight", "labels.0", "exact"}, set(t)
w = np.array([[[1, 2, 3]], [[-4, 0.5, 1e-40]]], dtype=np.float32)
assert t["layer.weight"].dtype == np.float32 and (t["layer.weight"] == w).all() and t["layer.weight"].shape == (2, 1, 3)
assert t["labels.0"].dtype == np.int64 and t["labels.0"].tolist() == [5, -6, 7]
assert t["exact"].dtype == np.float64 and t["exact"][0] == 0.1
`, path)
}

func TestWeReadThePublicLibrarys(t *testing.T) {
	command, path := python(t), filepath.Join(t.TempDir(), "theirs.safetensors")
	run(t, command, `
import sys, numpy as np
from safetensors.numpy import save_file
save_file({
    "a": np.arange(6, dtype=np.float32).reshape(2, 3),
    "b": np.array([0.1, -0.2]),
    "c": np.array([1.5, 65504, 6e-8], dtype=np.float16),
    "d": np.array([[1], [-2]], dtype=np.int32),
    "e": np.array([250], dtype=np.uint8),
    "f": np.array([2**40], dtype=np.int64),
}, sys.argv[1], metadata={"format": "np"})
`, path)
	f, err := tensors.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	for name, want := range map[string][]float64{
		"a": {0, 1, 2, 3, 4, 5}, "b": {0.1, -0.2}, "c": {1.5, 65504, 0x1p-24},
	} {
		if got, err := f.Float64s(name); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s = %v, %v; want %v", name, got, err, want)
		}
	}
	for name, want := range map[string][]int64{"d": {1, -2}, "e": {250}, "f": {1 << 40}} {
		if got, err := f.Int64s(name); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s = %v, %v; want %v", name, got, err, want)
		}
	}
}
