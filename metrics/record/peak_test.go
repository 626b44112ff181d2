package record_test

import (
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
)

func TestPeakOfADevice(t *testing.T) {
	sheet := &record.CardPeak{FP32GFLOPS: 19_500, TF32GFLOPS: 156_000, BandwidthBytesPerSec: 1.555e12, Source: "datasheet, boost clock"}
	cards := []record.GPU{{Index: 0, Name: "A100", Peak: sheet}, {Index: 2, Name: "homemade"}}
	measured := &record.Peak{GFLOPS: 18_000, Source: "sgemm"}
	for name, tt := range map[string]struct {
		machine           *record.Peak
		device, precision string
		gflops            float64
		reason            string
	}{
		"fp32 of a card":          {device: "gpu:0", precision: "fp32", gflops: 19_500},
		"tf32 of the same":        {device: "gpu:0", precision: "tf32", gflops: 156_000},
		"a device without number": {device: "gpu", precision: "fp32", gflops: 19_500},
		"no such units":           {device: "gpu:0", precision: "bf16", reason: "the datasheet of A100 has no figure for bf16"},
		"no datasheet":            {device: "gpu:2", precision: "fp32", reason: "homemade is not among the cards"},
		"no card":                 {device: "gpu:1", precision: "fp32", reason: "no card gpu:1"},
		"cpus":                    {device: "cpu", precision: "fp32", reason: "no peak of this machine was measured"},
		"a measurement is better": {machine: measured, device: "gpu:0", precision: "fp32", gflops: 18_000},
	} {
		peak, reason := record.Environment{Peak: tt.machine, GPUs: cards}.PeakOf(tt.device, tt.precision)
		switch {
		case tt.reason != "":
			if peak != nil || !strings.Contains(reason, tt.reason) {
				t.Errorf("%s: %+v, %q, expected %q", name, peak, reason, tt.reason)
			}
		case peak == nil || peak.GFLOPS != tt.gflops || reason != "":
			t.Errorf("%s: %+v, %q, expected %v", name, peak, reason, tt.gflops)
		}
	}
	peak, _ := record.Environment{GPUs: cards}.PeakOf("gpu:0", "fp32")
	if peak.BandwidthBytesPerSec != 1.555e12 || peak.Source != "A100, fp32, datasheet, boost clock" {
		t.Errorf("got %+v", peak)
	}
}

func TestDevices(t *testing.T) {
	for device, want := range map[string]struct {
		gpu   bool
		index int
	}{"cpu": {}, "gpu": {true, 0}, "gpu:0": {true, 0}, "gpu:11": {true, 11}, "gpu:x": {true, 0}} {
		if gpu, index := record.OnGPU(device), record.GPUIndex(device); gpu != want.gpu || index != want.index {
			t.Errorf("%s: %v, %d", device, gpu, index)
		}
	}
}
