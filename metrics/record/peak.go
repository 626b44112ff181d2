package record

import (
	"fmt"
	"strings"
)

// The precisions of workloads.
const (
	FP32 = "fp32"
	TF32 = "tf32"
	BF16 = "bf16"
)

// PeakOf is the roof for what computes on a device in a precision: the
// machine's if somebody measured it, else the card's by its datasheet. If
// there is none, the words say why.
func (e Environment) PeakOf(device, precision string) (peak *Peak, reason string) {
	if e.Peak != nil {
		return e.Peak, ""
	}
	if !OnGPU(device) {
		return nil, "no peak of this machine was measured"
	}
	card := e.GPUAt(GPUIndex(device))
	switch {
	case card == nil:
		return nil, fmt.Sprintf("the record has no card %s", device)
	case card.Peak == nil:
		return nil, fmt.Sprintf("%s is not among the cards whose datasheets dlbench knows, and no peak of it was measured", card.Name)
	}
	gflops := map[string]float64{FP32: card.Peak.FP32GFLOPS, TF32: card.Peak.TF32GFLOPS, BF16: card.Peak.BF16GFLOPS}[precision]
	if gflops == 0 {
		return nil, fmt.Sprintf("the datasheet of %s has no figure for %s", card.Name, precision)
	}
	return &Peak{GFLOPS: gflops, BandwidthBytesPerSec: card.Peak.BandwidthBytesPerSec,
		Source: fmt.Sprintf("%s, %s, %s", card.Name, precision, card.Peak.Source)}, ""
}

// GPUAt is the card of an index, nil when there is none.
func (e Environment) GPUAt(index int) *GPU {
	for i := range e.GPUs {
		if e.GPUs[i].Index == index {
			return &e.GPUs[i]
		}
	}
	return nil
}

// OnGPU says whether a device is a card.
func OnGPU(device string) bool { return device == "gpu" || strings.HasPrefix(device, "gpu:") }

// GPUIndex is the index in a device like gpu:1; 0 for every other, like gpu.
func GPUIndex(device string) int {
	_, after, _ := strings.Cut(device, ":")
	var index int
	if _, err := fmt.Sscan(after, &index); err != nil {
		return 0
	}
	return index
}
