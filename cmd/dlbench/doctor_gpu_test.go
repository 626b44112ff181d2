package main

import (
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample"
	"github.com/dlbench/dlbench/runners/manifest"
)

func TestDoctorTellsOfADriverAndOfCardsThatCannotBeUsed(t *testing.T) {
	card := device.Card{GPU: record.GPU{Index: 1, Name: "H100", UUID: "GPU-8d3f", Driver: "575.57.08", CUDA: "12.9", ComputeCapability: "9.0"}}
	findings, err := gpuFindings([]device.Card{card}, []*sample.CardError{{Card: "GPU 0", Step: "open", Err: sample.ErrNoPermission}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	driver, card0 := findings[0], findings[len(findings)-1]
	if driver.State != "warning" || !strings.Contains(driver.Text, "575.57.08, for CUDA 12.9 and older; too old for the images of ") || !strings.Contains(driver.Text, "pytorch (CUDA 13.") ||
		strings.Contains(driver.Text, "tensorflow (") || !strings.Contains(driver.Remedy, "nvidia-driver-580") {
		t.Errorf("the driver is %+v", driver)
	}
	if card0.What != "GPU 0" || card0.State != "warning" || !strings.Contains(card0.Text, "no permission") || !strings.Contains(card0.Remedy, "chmod 0666") {
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
			lines = append(lines, f.What+" "+f.State+": "+f.Text+" "+f.Remedy)
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
