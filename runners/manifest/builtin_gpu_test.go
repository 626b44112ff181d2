package manifest_test

import (
	"regexp"
	"slices"
	"testing"

	"github.com/dlbench/dlbench/runners/manifest"
)

var (
	architectureForm = regexp.MustCompile(`^(sm|compute)_\d+[af]?$`)
	cudaForm         = regexp.MustCompile(`^\d+\.\d+$`)
)

// A runner has a build for GPUs, or says why it has none.
func TestEveryBuiltinSaysWhatItHasForGPUs(t *testing.T) {
	all, err := manifest.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if (m.GPU == nil) == (m.NoGPU == "") {
			t.Errorf("%s: expected one of gpu and no_gpu", m.Name)
		}
		if slices.Contains(m.Devices, "gpu") != (m.GPU != nil) {
			t.Errorf("%s: devices are %v, and gpu is %v", m.Name, m.Devices, m.GPU)
		}
		if m.GPU == nil {
			continue
		}
		if !cudaForm.MatchString(m.GPU.CUDA) || len(m.GPU.Architectures) == 0 {
			t.Errorf("%s: cuda is %q, architectures are %v", m.Name, m.GPU.CUDA, m.GPU.Architectures)
		}
		for _, name := range m.GPU.Architectures {
			if !architectureForm.MatchString(name) {
				t.Errorf("%s: architecture %q", m.Name, name)
			}
		}
	}
}
