package bench

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample"
	"github.com/dlbench/dlbench/runners/manifest"
)

// card is a driver that tells who computes on its card, or why it does not.
type card struct {
	sample.GPU
	others []sample.GPUProcess
	fault  error
}

func (c card) Processes(int) ([]sample.GPUProcess, error) { return c.others, c.fault }

func TestUsersOfACard(t *testing.T) {
	used := int64(1 << 30)
	c := card{others: []sample.GPUProcess{{PID: 4711, Name: "blender", MemoryBytes: &used}, {PID: 5}}}
	if got := users(c, device.Device{Name: "gpu:0"}); got != "other processes use gpu:0: blender 4711 with 1.0 GiB, 5" {
		t.Errorf("it says %q", got)
	}
}

// A driver that does not tell who else computes is named, and is not taken for
// an idle one.
func TestUsersThatNobodyTells(t *testing.T) {
	d := device.Device{Name: "gpu:0"}
	if got := users(card{fault: errors.New("no permission to ask the NVIDIA driver")}, d); got != "whether others use gpu:0 is not known: no permission to ask the NVIDIA driver" {
		t.Errorf("it says %q", got)
	}
	if got := users(card{}, d); got != "" {
		t.Errorf("nobody is there, and it says %q", got)
	}
}

func TestAMissingGPUHasItsHint(t *testing.T) {
	for want, cause := range map[string]error{
		"CGO_ENABLED=1": sample.ErrNoCgo, "install NVIDIA's driver": sample.ErrNoDriver,
		"missing in nvidia-smi": sample.ErrNoGPU, "what nvidia-smi says": errors.New("the GPU is lost"),
	} {
		h := Host{OpenGPU: func() (sample.GPU, error) { return nil, cause }}
		_, err := h.Devices("gpu")
		var known *Error
		if !errors.As(err, &known) || known.Kind != Environment || err.Error() != "--device gpu: "+cause.Error() {
			t.Errorf("error is %v", err)
			continue
		}
		if !strings.HasPrefix(known.Hint, "use --device cpu") || !strings.Contains(known.Hint, want) {
			t.Errorf("%v: hint is %q, want %q", cause, known.Hint, want)
		}
		if found, err := h.Devices("cpu"); err != nil || len(found) != 1 || found[0].GPU() {
			t.Errorf("the CPU needs a driver: %v, %v", found, err)
		}
	}
}

// Whoever has a card of AMD's learns that it is not used, and not to install
// NVIDIA's driver.
func TestAMDsDriverIsNoReasonToInstallNVIDIAs(t *testing.T) {
	here := filepath.Join(t.TempDir(), "kfd")
	if err := os.WriteFile(here, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		cause error
		amd   string
		said  bool
	}{
		"AMD's only":  {sample.ErrNoDriver, here, true},
		"both":        {sample.ErrNoGPU, here, false},
		"no card":     {sample.ErrNoDriver, here + "-not", false},
		"without cgo": {sample.ErrNoCgo, here, false},
	} {
		if hint := gpuHint(tt.cause, tt.amd); strings.Contains(hint, "AMD") != tt.said || !strings.HasPrefix(hint, "use --device cpu") {
			t.Errorf("%s: the hint is %q", name, hint)
		}
	}
}

// An image's build is known, a local Python's is not.
func TestWhatABuildIsForIsAskedOfImagesOnly(t *testing.T) {
	h100 := device.Device{Name: "gpu:0", Card: record.GPU{UUID: "GPU-8d3f", ComputeCapability: "9.0", Driver: "575.57.08", CUDA: "12.9"}}
	both := []string{"cpu", "gpu"}
	for name, tt := range map[string]struct {
		m            manifest.Manifest
		on           device.Device
		image, local string
	}{
		"another architecture": {manifest.Manifest{Devices: both, GPU: &manifest.GPU{CUDA: "12.9", Architectures: []string{"sm_80"}}}, h100, "built for sm_80, this GPU is sm_90", ""},
		"a later CUDA": {manifest.Manifest{Devices: both, GPU: &manifest.GPU{CUDA: "13.2", Architectures: []string{"sm_90"}}}, h100,
			"built for CUDA 13.2, which needs NVIDIA's driver 580 or later; this is 575.57.08, for CUDA 12.9 at most", ""},
		"no build for GPUs": {manifest.Manifest{Devices: []string{"cpu"}, NoGPU: "no CUDA for it"}, h100, "no CUDA for it", "no CUDA for it"},
		"no build for CPUs": {manifest.Manifest{Devices: []string{"gpu"}}, device.CPU, "this build computes on GPUs only", "this build computes on GPUs only"},
		"it fits":           {manifest.Manifest{Devices: both, GPU: &manifest.GPU{CUDA: "12.9", Architectures: []string{"sm_90"}}}, h100, "", ""},
	} {
		if got := UnfitFor(tt.m, tt.on, false); got != tt.image {
			t.Errorf("%s, image: %q, want %q", name, got, tt.image)
		}
		if got := UnfitFor(tt.m, tt.on, true); got != tt.local {
			t.Errorf("%s, local: %q, want %q", name, got, tt.local)
		}
	}
}
