package record_test

import (
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
)

func TestPeakOfADevice(t *testing.T) {
	sheet := &record.CardPeak{FP32GFLOPS: 19_500, TF32GFLOPS: 156_000, BandwidthBytesPerSec: 1.555e12, Source: "datasheet, boost clock"}
	seen := &record.Peak{GFLOPS: 17_000, Source: "cuBLAS, 8192³", Products: []record.PeakProduct{{Precision: "bf16", GFLOPS: 250_000, Library: "cuBLAS", Rows: 8192}}}
	cards := []record.GPU{{Index: 0, Name: "A100", Peak: sheet}, {Index: 2, Name: "homemade"}, {Index: 3, Name: "A100", Peak: sheet, Measured: seen}}
	somebodys := &record.Peak{GFLOPS: 18_000, Source: "sgemm"}
	for name, tt := range map[string]struct {
		machine           *record.Peak
		device, precision string
		gflops            float64
		reason            string
	}{
		"fp32 of a card":                {device: "gpu:0", precision: "fp32", gflops: 19_500},
		"tf32 of the same":              {device: "gpu:0", precision: "tf32", gflops: 156_000},
		"a device without number":       {device: "gpu", precision: "fp32", gflops: 19_500},
		"no such units":                 {device: "gpu:0", precision: "bf16", reason: "the datasheet of A100 has no figure for bf16"},
		"no datasheet":                  {device: "gpu:2", precision: "fp32", reason: "homemade is not among the cards"},
		"no card":                       {device: "gpu:1", precision: "fp32", reason: "no card gpu:1"},
		"cpus":                          {device: "cpu", precision: "fp32", reason: "no peak of this machine was measured"},
		"a measurement is better":       {machine: somebodys, device: "gpu:0", precision: "fp32", gflops: 18_000},
		"of one precision":              {machine: somebodys, device: "gpu:0", precision: "tf32", gflops: 156_000},
		"measured on the card":          {machine: somebodys, device: "gpu:3", precision: "fp32", gflops: 17_000},
		"in bf16":                       {device: "gpu:3", precision: "bf16", gflops: 250_000},
		"in what nobody measured there": {device: "gpu:3", precision: "tf32", gflops: 156_000},
	} {
		roof, reason := record.Environment{Peak: tt.machine, GPUs: cards}.PeakOf(tt.device, tt.precision, 0)
		checkRoof(t, name, roof, reason, tt.gflops, tt.reason)
	}
	roof, _ := record.Environment{GPUs: cards}.PeakOf("gpu:0", "fp32", 0)
	if want := (record.Ceiling{GFLOPS: 19_500, BandwidthBytesPerSec: 1.555e12, Source: "A100, fp32, datasheet, boost clock"}); *roof != want {
		t.Errorf("got %+v", roof)
	}
}

func checkRoof(t *testing.T, name string, roof *record.Ceiling, reason string, gflops float64, why string) {
	t.Helper()
	switch {
	case why != "":
		if roof != nil || !strings.Contains(reason, why) {
			t.Errorf("%s: %+v, %q, expected %q", name, roof, reason, why)
		}
	case roof == nil || roof.GFLOPS != gflops || reason != "":
		t.Errorf("%s: %+v, %q, expected %v", name, roof, reason, gflops)
	}
}

// CPUs have a peak in each precision, and for each number of threads.
func TestPeakOfCPUs(t *testing.T) {
	e := record.Environment{
		Peak: &record.Peak{GFLOPS: 200, BandwidthBytesPerSec: 5e10, Source: "MKL", Threads: 2, Missing: map[string]string{"int8": "no units"},
			Products: []record.PeakProduct{{Precision: "fp32", GFLOPS: 200, Library: "MKL", Rows: 2048},
				{Precision: "bf16", GFLOPS: 300, Library: "MLAS", Rows: 512}, {Precision: "bf16", GFLOPS: 700, Library: "oneDNN", Rows: 4096}}},
		Peaks:   []record.Peak{{GFLOPS: 110, Source: "MKL", Threads: 1}},
		Missing: map[string]string{"peak": "nobody asked"}}
	for name, tt := range map[string]struct {
		precision string
		threads   int
		gflops    float64
		reason    string
	}{
		"the terms' threads": {"fp32", 0, 200, ""},
		"the same number":    {"fp32", 2, 200, ""},
		"another number":     {"fp32", 1, 110, ""},
		"a number of nobody": {"fp32", 4, 0, "no peak of 4 threads was measured"},
		"the best in bf16":   {"bf16", 2, 700, ""},
		"with one thread":    {"bf16", 1, 0, "no peak in bf16 was measured: the record names none"},
		"without units":      {"int8", 0, 0, "no peak in int8 was measured: no units"},
	} {
		roof, reason := e.PeakOf("cpu", tt.precision, tt.threads)
		checkRoof(t, name, roof, reason, tt.gflops, tt.reason)
	}
	if roof, _ := e.PeakOf("cpu", "bf16", 0); *roof != (record.Ceiling{GFLOPS: 700, BandwidthBytesPerSec: 5e10, Source: "oneDNN, 4096 × 4096", Measured: true}) {
		t.Errorf("got %+v", roof)
	}
	e.Peak = nil
	if _, reason := e.PeakOf("cpu", "fp32", 0); reason != "nobody asked" {
		t.Errorf("the reason is %q", reason)
	}
	e.Peak = &record.Peak{GFLOPS: 150, Source: "somebody's own"} // which says nothing of threads
	roof, reason := e.PeakOf("cpu", "fp32", 1)
	checkRoof(t, "somebody's", roof, reason, 150, "")
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
