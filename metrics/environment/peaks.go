package environment

import (
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
)

// PeakSource is where the figures of CardPeak come from, and what they are: a
// rate that a card reaches while it holds its boost clock.
const PeakSource = "datasheet, boost clock"

// sheet is a card's datasheet: 10¹² operations a second, dense (half of what
// sheets say that count zeros of sparse matrices), and 10⁹ bytes a second of its
// memory. 0 is for units that the card has not.
type sheet struct{ fp32, tf32, bf16, bandwidth float64 }

// sheets are NVIDIA's public datasheets by the name that NVML gives a card, less
// "NVIDIA" and "Tesla"; of GeForce cards the architectures' white papers, with
// products of bfloat16 summed in float32.
var sheets = map[string]sheet{
	"V100-SXM2-16GB":   {15.7, 0, 0, 900},
	"V100-SXM2-32GB":   {15.7, 0, 0, 900},
	"V100-PCIE-16GB":   {14, 0, 0, 900},
	"V100-PCIE-32GB":   {14, 0, 0, 900},
	"V100S-PCIE-32GB":  {16.4, 0, 0, 1134},
	"T4":               {8.1, 0, 0, 320},
	"A100-SXM4-40GB":   {19.5, 156, 312, 1555},
	"A100-PCIE-40GB":   {19.5, 156, 312, 1555},
	"A100-SXM4-80GB":   {19.5, 156, 312, 2039},
	"A100 80GB PCIe":   {19.5, 156, 312, 1935},
	"A10":              {31.2, 62.5, 125, 600},
	"L4":               {30.3, 60, 121, 300},
	"L40S":             {91.6, 183, 362, 864},
	"H100 PCIe":        {51, 378, 756.5, 2000},
	"H100 80GB HBM3":   {67, 494.5, 989.5, 3350}, // SXM
	"H100 NVL":         {60, 417.5, 835.5, 3900},
	"H200":             {67, 494.5, 989.5, 4800}, // SXM
	"H200 NVL":         {60, 417.5, 835.5, 4800},
	"GeForce RTX 3090": {35.6, 35.6, 71, 936},
	"GeForce RTX 4090": {82.6, 82.6, 165.2, 1008},
}

// CardPeak is what a card of that NVML name does at most; nil for one that no
// datasheet here is of, like a MIG device.
func CardPeak(name string) *record.CardPeak {
	short := strings.TrimPrefix(strings.TrimPrefix(name, "NVIDIA "), "Tesla ")
	s, known := sheets[short]
	if !known {
		return nil
	}
	return &record.CardPeak{FP32GFLOPS: 1e3 * s.fp32, TF32GFLOPS: 1e3 * s.tf32, BF16GFLOPS: 1e3 * s.bf16,
		BandwidthBytesPerSec: 1e9 * s.bandwidth, Source: PeakSource}
}
