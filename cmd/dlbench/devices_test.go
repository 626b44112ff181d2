package main

import (
	"errors"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample"
	"github.com/dlbench/dlbench/runners/manifest"
)

// A driver that does not tell who else computes is named, and is not taken for
// an idle one.
func TestUsersThatNobodyTells(t *testing.T) {
	d := device.Device{Name: "gpu:0"}
	t.Setenv("TEST_FOREIGN", "unknown")
	if got := users(twoCards{}, d); got != "whether others use gpu:0 is not known: no permission to ask the NVIDIA driver" {
		t.Errorf("it says %q", got)
	}
	t.Setenv("TEST_FOREIGN", "")
	if got := users(twoCards{}, d); got != "" {
		t.Errorf("nobody is there, and it says %q", got)
	}
}

func TestAMissingGPUHasItsHint(t *testing.T) {
	for want, cause := range map[string]error{
		"CGO_ENABLED=1": sample.ErrNoCgo, "install NVIDIA's driver": sample.ErrNoDriver,
		"missing in nvidia-smi": sample.ErrNoGPU, "what nvidia-smi says": errors.New("the GPU is lost"),
	} {
		p := &program{openGPU: func() (sample.GPU, error) { return nil, cause }}
		_, err := p.devices("gpu")
		var exit *exitError
		if !errors.As(err, &exit) || exit.code != exitEnvironment || err.Error() != "--device gpu: "+cause.Error() {
			t.Errorf("error is %v", err)
			continue
		}
		if !strings.HasPrefix(exit.hint, "use --device cpu") || !strings.Contains(exit.hint, want) {
			t.Errorf("%v: hint is %q, want %q", cause, exit.hint, want)
		}
		if found, err := p.devices("cpu"); err != nil || len(found) != 1 || found[0].GPU() {
			t.Errorf("the CPU needs a driver: %v, %v", found, err)
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
		"no build for CPUs": {manifest.Manifest{Devices: []string{"gpu"}}, device.CPU, "this build computes on GPUs alone", "this build computes on GPUs alone"},
		"it fits":           {manifest.Manifest{Devices: both, GPU: &manifest.GPU{CUDA: "12.9", Architectures: []string{"sm_90"}}}, h100, "", ""},
	} {
		if got := unfitFor(tt.m, tt.on, false); got != tt.image {
			t.Errorf("%s, image: %q, want %q", name, got, tt.image)
		}
		if got := unfitFor(tt.m, tt.on, true); got != tt.local {
			t.Errorf("%s, local: %q, want %q", name, got, tt.local)
		}
	}
}

func TestDoctorTellsOfADriverAndOfCardsThatCannotBeUsed(t *testing.T) {
	card := device.Card{GPU: record.GPU{Index: 1, Name: "H100", UUID: "GPU-8d3f", Driver: "575.57.08", CUDA: "12.9", ComputeCapability: "9.0"}}
	findings, err := gpuFindings([]device.Card{card}, []*sample.CardError{{Card: "GPU 0", Step: "open", Err: sample.ErrNoPermission}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	driver, card0 := findings[0], findings[len(findings)-1]
	if driver.State != "warning" || !strings.Contains(driver.Text, "575.57.08, for CUDA 12.9 and older; too old for the images of ") || !strings.Contains(driver.Text, "pytorch (CUDA 13.") ||
		strings.Contains(driver.Text, "tensorflow (") || !strings.Contains(driver.Mend, "nvidia-driver-580") {
		t.Errorf("the driver is %+v", driver)
	}
	if card0.What != "GPU 0" || card0.State != "warning" || !strings.Contains(card0.Text, "no permission") || !strings.Contains(card0.Mend, "chmod 0666") {
		t.Errorf("the card without permission is %+v", card0)
	}
	if !strings.Contains(findings[1].Text, "memory shared with the processor") {
		t.Errorf("the card is %+v", findings[1])
	}
}

func TestDoctorTellsOfMIGAndOfRunners(t *testing.T) {
	card := device.Card{GPU: record.GPU{Index: 1, Name: "H100", UUID: "GPU-8d3f", Driver: "570.1", ComputeCapability: "9.0", MIG: true}}
	told := func(cards ...device.Card) string {
		findings, err := gpuFindings(cards, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for _, f := range findings {
			lines = append(lines, f.What+" "+f.State+": "+f.Text+" "+f.Mend)
		}
		return strings.Join(lines, "\n")
	}
	if text := told(card); !strings.Contains(text, "GPU 1 warning: H100") || !strings.Contains(text, "nvidia-smi mig -cgi") {
		t.Errorf("a card that is split into nothing:\n%s", text)
	}
	card.Instances = []record.GPU{{Index: 2, UUID: "MIG-01"}, {Index: 3, UUID: "MIG-02"}}
	if text := told(card); !strings.Contains(text, "split by MIG: gpu:2 (MIG-01), gpu:3 (MIG-02)") || !strings.Contains(text, "GPU 1 ok") {
		t.Errorf("a card that is split in two:\n%s", text)
	}
	old := manifest.Manifest{Name: "old", Devices: []string{"gpu"}, GPU: &manifest.GPU{Architectures: []string{"sm_70"}}}
	able := manifest.Manifest{Name: "able", Devices: []string{"gpu"}}
	judge := manifest.Manifest{Name: "judge", Reference: true}
	if f := runnersOn(card, []manifest.Manifest{judge, able, old}); f.Text != "able; not: old (built for sm_70, this GPU is sm_90)" || f.State != "ok" {
		t.Errorf("finding is %+v", f)
	}
	if f := runnersOn(card, []manifest.Manifest{old}); f.State != "warning" {
		t.Errorf("no runner, and %+v", f)
	}
}
