package record

import (
	"cmp"
	"fmt"
	"strings"
)

// The precisions of workloads, and of products.
const (
	FP32 = "fp32"
	TF32 = "tf32"
	BF16 = "bf16"
	FP16 = "fp16"
	INT8 = "int8"
)

// Peak is what a machine or a card reached at most if somebody measured it.
type Peak struct {
	GFLOPS               float64 `json:"gflops"`                // float32, of the CPUs or the card that the terms name
	BandwidthBytesPerSec float64 `json:"bandwidth_bytes_per_s"` // of memory; 0 if it was not measured
	Source               string  `json:"source"`                // what measured it, and how near that comes to the hardware's limit

	Threads  int               `json:"threads,omitempty"`  // that computed; 0 is those of the terms, or a card
	Products []PeakProduct     `json:"products,omitempty"` // of every library: precision by precision, best first
	Missing  map[string]string `json:"missing,omitempty"`  // precision, or "bandwidth" → why there is none
}

// PeakProduct is what a library reached with the product of two square matrices.
type PeakProduct struct {
	Precision string  `json:"precision"`
	GFLOPS    float64 `json:"gflops"` // of int8, thousand million operations on integers a second
	Library   string  `json:"library"`
	Rows      int     `json:"rows"`
}

// Best is the fastest product in a precision; nil if none was measured.
func (p Peak) Best(precision string) *PeakProduct {
	var best *PeakProduct
	for i := range p.Products {
		if one := &p.Products[i]; one.Precision == precision && (best == nil || one.GFLOPS > best.GFLOPS) {
			best = one
		}
	}
	return best
}

// Words name a product: "OpenBLAS 0.3, 2048 × 2048".
func (p PeakProduct) Words() string { return fmt.Sprintf("%s, %d × %d", p.Library, p.Rows, p.Rows) }

// Ceiling is the roof that achieved rates are held against.
type Ceiling struct {
	GFLOPS               float64
	BandwidthBytesPerSec float64 // 0 if it is not known
	Source               string
	Measured             bool // and not from a datasheet
}

// PeakOf is the roof for what computes on a device in a precision, with so many
// threads or those of the terms (0): what somebody measured, else a card's by its
// datasheet. If there is none, the words say why.
func (e Environment) PeakOf(device, precision string, threads int) (roof *Ceiling, reason string) {
	if !OnGPU(device) {
		return e.peakOfCPUs(precision, threads)
	}
	card := e.GPUAt(GPUIndex(device))
	if card != nil && card.Measured != nil {
		if roof, _ := card.Measured.in(precision); roof != nil {
			return roof, ""
		}
	}
	if e.Peak != nil {
		if roof, _ := e.Peak.in(precision); roof != nil {
			return roof, ""
		}
	}
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
	return &Ceiling{GFLOPS: gflops, BandwidthBytesPerSec: card.Peak.BandwidthBytesPerSec,
		Source: fmt.Sprintf("%s, %s, %s", card.Name, precision, card.Peak.Source)}, ""
}

func (e Environment) peakOfCPUs(precision string, threads int) (*Ceiling, string) {
	if e.Peak == nil {
		return nil, cmp.Or(e.Missing["peak"], "no peak of this machine was measured")
	}
	if threads == 0 || e.Peak.Threads == 0 || threads == e.Peak.Threads {
		return e.Peak.in(precision)
	}
	for _, p := range e.Peaks {
		if p.Threads == threads {
			return p.in(precision)
		}
	}
	return nil, fmt.Sprintf("no peak of %d threads was measured", threads)
}

// in is the roof in a precision.
func (p Peak) in(precision string) (*Ceiling, string) {
	c := &Ceiling{GFLOPS: p.GFLOPS, BandwidthBytesPerSec: p.BandwidthBytesPerSec, Source: p.Source, Measured: true}
	if precision == FP32 {
		return c, ""
	}
	best := p.Best(precision)
	if best == nil {
		return nil, fmt.Sprintf("no peak in %s was measured: %s", precision, cmp.Or(p.Missing[precision], "the record names none"))
	}
	c.GFLOPS, c.Source = best.GFLOPS, best.Words()
	return c, ""
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
