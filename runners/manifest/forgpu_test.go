package manifest_test

import (
	"regexp"
	"slices"
	"testing"

	"github.com/dlbench/dlbench/runners/manifest"
)

func TestForGPU(t *testing.T) {
	cpu, own := manifest.Image{Name: "x"}, manifest.Image{Name: "x-gpu", Context: "x-cuda"}
	for name, test := range map[string]struct {
		gpu     *manifest.GPU
		image   manifest.Image
		version string
	}{
		"no build for GPUs": {nil, cpu, "1"},
		"one image":         {&manifest.GPU{}, cpu, "1"},
		"an image":          {&manifest.GPU{Image: own}, own, "1"},
		"another version":   {&manifest.GPU{Image: own, Version: "0.9"}, own, "0.9"},
	} {
		t.Run(name, func(t *testing.T) {
			m := manifest.Manifest{Version: "1", Image: cpu, GPU: test.gpu}.ForGPU()
			if m.Image != test.image || m.Version != test.version {
				t.Errorf("image %+v and version %s, want %+v and %s", m.Image, m.Version, test.image, test.version)
			}
		})
	}
}

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
