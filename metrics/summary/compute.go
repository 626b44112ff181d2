package summary

import "github.com/dlbench/dlbench/metrics/record"

// TrainingFactor is how many forward passes a training step counts for: one
// forward, one to the inputs' gradients and one to the weights'. It leaves out
// the optimizer and everything that is not a multiply-accumulate.
const TrainingFactor = 3

// FLOPPerImage is two operations a multiply-accumulate.
func FLOPPerImage(w record.Workload) float64 {
	flop := 2 * float64(w.MACs)
	if w.Mode == "train" {
		flop *= TrainingFactor
	}
	return flop
}

// GFLOPS is what a throughput in images per second achieves on a workload.
func GFLOPS(w record.Workload, imagesPerSecond float64) float64 {
	return imagesPerSecond * FLOPPerImage(w) / 1e9
}

// Achieved is a cell's GFLOP/s; nil when nothing was measured or counted.
func Achieved(w record.Workload, c *record.Cell) *Estimate {
	if c.Throughput == nil || w.MACs == 0 {
		return nil
	}
	e := ofThroughput(c.Throughput).Scaled(GFLOPS(w, 1))
	return &e
}

// Intensity is the operations a byte of a forward pass, each activation and each
// weight counted once in float32: the least that a computation layer by layer,
// without a cache, would move. It is 0 when neither is counted.
func Intensity(w record.Workload) float64 {
	bytes := float64(w.ActivationBytes) + 4*float64(w.Parameters)/float64(max(1, w.Batch))
	if bytes == 0 {
		return 0
	}
	return 2 * float64(w.MACs) / bytes
}

// Roof is what a workload's cells could reach at most, or why that is not known.
type Roof struct {
	*record.Ceiling        // nil if there is none
	Reason          string // why there is none
}

// RoofOf is that of the device that the workload's cells computed on.
func RoofOf(r *record.Record, w record.Workload) Roof {
	device := r.Terms.Device
	for _, c := range r.Cells {
		if c.Workload == w.ID && c.Throughput != nil {
			device = c.Device
			break
		}
	}
	ceiling, reason := r.Environment.PeakOf(device, w.Precision, w.Threads)
	return Roof{Ceiling: ceiling, Reason: reason}
}

// Whole says whether the bandwidth is known too.
func (r Roof) Whole() bool { return r.Ceiling != nil && r.BandwidthBytesPerSec > 0 }

// At is the most GFLOP/s that so many operations a byte allow.
func (r Roof) At(flopPerByte float64) float64 {
	return min(r.GFLOPS, flopPerByte*r.BandwidthBytesPerSec/1e9)
}

// Ridge is from how many operations a byte on computing limits, not the memory.
func (r Roof) Ridge() float64 { return r.GFLOPS * 1e9 / r.BandwidthBytesPerSec }

// PercentOfPeak is a rate in per cent of the peak; nil if there is none.
func (r Roof) PercentOfPeak(gflops float64) *float64 {
	if r.Ceiling == nil {
		return nil
	}
	v := 100 * gflops / r.GFLOPS
	return &v
}

// PercentOfPeak is a cell's achieved rate in per cent of the peak of what it
// computed on; nil if either is not known.
func PercentOfPeak(r *record.Record, c *record.Cell) *float64 {
	w := r.Workload(c.Workload)
	if w == nil {
		return nil
	}
	achieved := Achieved(*w, c)
	if achieved == nil {
		return nil
	}
	return RoofOf(r, *w).PercentOfPeak(achieved.Value)
}

// UnderRoof is a cell's place in a roofline.
type UnderRoof struct {
	Intensity, Achieved, Roof, Percent float64 // FLOP a byte, GFLOP/s, GFLOP/s, of the roof
}

// PlaceUnderRoof is nil for a cell that is not ranked, and if something is not
// known.
func PlaceUnderRoof(r *record.Record, w record.Workload, c *record.Cell) *UnderRoof {
	roof, x := RoofOf(r, w), Intensity(w)
	if c == nil || !c.Ranked() || x == 0 || !roof.Whole() {
		return nil
	}
	achieved := Achieved(w, c)
	if achieved == nil {
		return nil
	}
	most := roof.At(x)
	return &UnderRoof{Intensity: x, Achieved: achieved.Value, Roof: most, Percent: 100 * achieved.Value / most}
}
