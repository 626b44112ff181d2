package summary

import "github.com/dlbench/dlbench/metrics/record"

// Voxels are those of one volume of a workload; 0 if its inputs are images.
func Voxels(w record.Workload) int64 {
	if len(w.InputShape) != 5 { // [N C D H W]
		return 0
	}
	n := int64(1)
	for _, extent := range w.InputShape[2:] {
		n *= int64(extent)
	}
	return n
}

// OfVolumes are a cell's figures as those who work on volumes ask for them.
type OfVolumes struct {
	Megavoxels  Estimate // a second
	Seconds     Estimate // for each volume, at the workload's batch
	MemoryBytes *float64 // for each volume of a batch, with all that the runner's process holds; nil if it is not known
}

// Volumes is nil for a cell that was not measured, or of images.
func Volumes(w record.Workload, c *record.Cell) *OfVolumes {
	voxels := Voxels(w)
	if voxels == 0 || c.Throughput == nil || c.Throughput.Median <= 0 {
		return nil
	}
	rate := ofThroughput(c.Throughput)
	out := &OfVolumes{Megavoxels: rate.Scaled(float64(voxels) / 1e6), Seconds: rate.inverse()}
	if u := c.Utilization; u != nil && u.MemoryPeakBytes != nil {
		each := float64(*u.MemoryPeakBytes) / float64(max(1, w.Batch))
		out.MemoryBytes = &each
	}
	return out
}
