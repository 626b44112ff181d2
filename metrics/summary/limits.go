package summary

import (
	"fmt"
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
)

// The codes of the warnings that follow from what the samplers saw.
const (
	CPUThrottled = "cpu_throttled"
	GPUThermal   = "gpu_thermal_limit"
)

// throttledShare is the share of block time that throttling may take without a
// warning.
const throttledShare = 0.001

// forgetWarnings removes what an earlier summary warned of.
func forgetWarnings(r *record.Record) {
	r.Warnings = slices.DeleteFunc(r.Warnings, func(w record.Warning) bool {
		return w.Code == CPUThrottled || w.Code == GPUThermal
	})
}

// limits are the warnings that something other than the framework held a cell
// back while it was timed.
func limits(c *record.Cell) []record.Warning {
	var found []record.Warning
	seconds, hot, blocks := 0.0, 0, 0
	for _, p := range c.MeasuredProcesses() {
		s := p.SeriesNamed(record.GPUSeries(gpuIndex(c.Device), record.GPUThermalLimit))
		for _, b := range p.Blocks {
			seconds += b.Seconds()
			blocks++
			if v, ok := s.Mean(b.StartNS, b.EndNS); ok && v > 0 {
				hot++
			}
		}
	}
	if u := c.Utilization; u != nil && u.ThrottledNS != nil && float64(*u.ThrottledNS) > throttledShare*seconds*1e9 {
		found = append(found, record.Warning{Code: CPUThrottled, Scope: c.Scope(),
			Text: fmt.Sprintf("the control group was throttled for %.2f s of %.2f s that were timed: its CPU quota is smaller than its CPU set", float64(*u.ThrottledNS)/1e9, seconds)})
	}
	if hot > 0 {
		found = append(found, record.Warning{Code: GPUThermal, Scope: c.Scope(),
			Text: fmt.Sprintf("heat held the GPU's clocks down in %d of %d blocks", hot, blocks)})
	}
	return found
}
