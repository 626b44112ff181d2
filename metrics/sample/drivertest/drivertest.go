// Package drivertest builds made-up libraries of NVIDIA's driver, so that tests
// drive dlbench over its real binding without a card: NVML in about twenty
// situations (testdata/nvml.c lists them), and as much of CUDA's driver as one
// kernel needs (testdata/cuda.c).
package drivertest

import (
	"embed"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

//go:embed testdata/*.c
var sources embed.FS

// Card is the UUID of the made-up driver's first card.
const Card = "GPU-8d3f0000-aaaa-bbbb-cccc-ddddeeeeffff"

// Build compiles the libraries, with more arguments for NVML's (-DOLD_DRIVER:
// few functions), and returns the directory that LD_LIBRARY_PATH has to name.
// Without the C compiler that cgo needs the test is skipped.
func Build(t testing.TB, arguments ...string) string {
	t.Helper()
	compiler := os.Getenv("CC")
	if compiler == "" {
		compiler = "cc"
	}
	if _, err := exec.LookPath(compiler); err != nil {
		t.Skipf("no C compiler builds the made-up driver: %v", err)
	}
	dir := t.TempDir()
	for library, more := range map[string][]string{"nvidia-ml": arguments, "cuda": nil} {
		name := map[string]string{"nvidia-ml": "nvml.c", "cuda": "cuda.c"}[library]
		text, err := sources.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		source, soname := filepath.Join(dir, name), "lib"+library+".so.1"
		if err := os.WriteFile(source, text, 0o644); err != nil {
			t.Fatal(err)
		}
		args := append([]string{"-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-Wl,-soname," + soname, "-o", filepath.Join(dir, soname), source}, more...)
		if out, err := exec.Command(compiler, args...).CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", soname, err, out)
		}
	}
	return dir
}
