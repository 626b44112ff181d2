package environment_test

import (
	"errors"
	"testing"

	"github.com/dlbench/dlbench/metrics/environment"
	"github.com/dlbench/dlbench/metrics/record"
)

func TestPeaksOfCards(t *testing.T) {
	for name, want := range map[string]struct{ fp32, tf32, bf16, bandwidth float64 }{
		"Tesla V100-SXM2-16GB":    {15_700, 0, 0, 900e9},
		"Tesla T4":                {8_100, 0, 0, 320e9},
		"NVIDIA A100-SXM4-80GB":   {19_500, 156_000, 312_000, 2039e9},
		"A100-SXM4-40GB":          {19_500, 156_000, 312_000, 1555e9}, // before driver 470
		"NVIDIA A10":              {31_200, 62_500, 125_000, 600e9},
		"NVIDIA L4":               {30_300, 60_000, 121_000, 300e9},
		"NVIDIA L40S":             {91_600, 183_000, 362_000, 864e9},
		"NVIDIA H100 PCIe":        {51_000, 378_000, 756_500, 2000e9},
		"NVIDIA H100 80GB HBM3":   {67_000, 494_500, 989_500, 3350e9},
		"NVIDIA H200":             {67_000, 494_500, 989_500, 4800e9},
		"NVIDIA H200 NVL":         {60_000, 417_500, 835_500, 4800e9},
		"NVIDIA GeForce RTX 3090": {35_600, 35_600, 71_000, 936e9},
		"NVIDIA GeForce RTX 4090": {82_600, 82_600, 165_200, 1008e9},
	} {
		p := environment.CardPeak(name)
		if p == nil {
			t.Errorf("%s: none", name)
			continue
		}
		if got := struct{ fp32, tf32, bf16, bandwidth float64 }{p.FP32GFLOPS, p.TF32GFLOPS, p.BF16GFLOPS, p.BandwidthBytesPerSec}; got != want || p.Source != "datasheet, boost clock" {
			t.Errorf("%s: %+v, expected %+v", name, p, want)
		}
	}
	// Neither a part of a card nor one with a similar name is the card, and
	// GeForce GT 1030 is a card whose datasheet is not among ours.
	for _, name := range []string{"NVIDIA A100-SXM4-40GB MIG 1g.5gb", "NVIDIA A10G", "NVIDIA GeForce RTX 4090 Laptop GPU", "NVIDIA L40", "NVIDIA H200 MIG 1g.18gb", "NVIDIA GeForce GT 1030", ""} {
		if p := environment.CardPeak(name); p != nil {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

func TestCardsHaveTheirPeak(t *testing.T) {
	cards := []record.GPU{{Name: "NVIDIA L4"}, {Index: 1, Name: "homemade"}}
	got := environment.Read(t.Context(), environment.Options{Root: machine(t, nil), Cards: func() ([]record.GPU, error) { return cards, nil }})
	if len(got.GPUs) != 2 || got.GPUs[0].Peak == nil || got.GPUs[0].Peak.FP32GFLOPS != 30_300 || got.GPUs[1].Peak != nil {
		t.Errorf("got %+v", got.GPUs)
	}
	if got.Peak != nil {
		t.Errorf("a peak that nobody measured: %+v", got.Peak)
	}
}

// One card that cannot be read hides neither the others nor its reason.
func TestSomeCardsCannotBeRead(t *testing.T) {
	got := environment.Read(t.Context(), environment.Options{Root: machine(t, nil), Cards: func() ([]record.GPU, error) {
		return []record.GPU{{Index: 1, Name: "L4"}}, errors.New("open GPU 0: the GPU is lost")
	}})
	if len(got.GPUs) != 1 || got.GPUs[0].Index != 1 || got.Missing["gpu"] != "open GPU 0: the GPU is lost" {
		t.Errorf("got %+v, %v", got.GPUs, got.Missing)
	}
}
