package summary

import (
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
)

// Below these, what was seen is not worth a warning.
const (
	throttledShare = 0.001 // of block time
	foreignCPUs    = 0.1   // the harness and the engine need a hundredth
	stealPercent   = 1.0   // of the machine's CPU time
	diskFaults     = 10.0  // a second
	feedingThreads = 1     // that feed a pool of the size that was asked for
)

// found are the codes of the warnings that a summary makes.
var found = []string{record.CPUThrottled, record.GPUThermal, record.GPUPowerLimit, record.GPUHardware,
	record.GPULink, record.GPUECC, record.GPUForeign, record.CPUThermal, record.ForeignLoad, record.StealTime,
	record.DiskFaults, record.ThreadsExceeded, record.ScheduleLag, record.DeviceTimeDiffers, record.LargeRatio}

// forgetWarnings removes what an earlier summary warned of; what was seen
// before the run stays.
func forgetWarnings(r *record.Record) {
	r.Warnings = slices.DeleteFunc(r.Warnings, func(w record.Warning) bool {
		return slices.Contains(found, w.Code) && w.Scope.OneCell()
	})
}

// warnOfLimits warns that something other than the framework held a cell back
// while it was timed.
func warnOfLimits(r *record.Record, c *record.Cell) {
	u := c.Utilization
	if u == nil {
		return
	}
	warn := warner(r, c)
	seen := whileTimed(c)
	if u.ThrottledNS != nil && float64(*u.ThrottledNS) > throttledShare*seen.seconds*1e9 {
		warn(record.CPUThrottled, "the control group was throttled for %.2f s of %.2f s that were timed: its CPU quota is smaller than its CPU set",
			float64(*u.ThrottledNS)/1e9, seen.seconds)
	}
	if u.ForeignCPUs != nil && *u.ForeignCPUs > foreignCPUs {
		warn(record.ForeignLoad, "other processes used %.2f CPUs while it was timed: stop them, or give the runners CPUs of their own (--cpus)", *u.ForeignCPUs)
	}
	if u.StealPercent != nil && *u.StealPercent > stealPercent {
		warn(record.StealTime, "the hypervisor gave %.1f %% of the machine's CPU time to others while it was timed", *u.StealPercent)
	}
	if used, how := threadsUsed(u); used > float64(r.ThreadsOf(c.Workload)+feedingThreads) {
		warn(record.ThreadsExceeded, how+" while it was timed, %d were asked for", used, r.ThreadsOf(c.Workload))
	}
	if seen.faults > diskFaults*seen.seconds {
		warn(record.DiskFaults, "%.0f pages were read from a disk in %.2f s that were timed: memory is short, or the files were not read before", seen.faults, seen.seconds)
	}
	if seen.heat > 0 {
		warn(record.CPUThermal, "heat held a core's clock down %.0f times while it was timed", seen.heat)
	}
	warnOfGPULimits(r, c)
}

// threadsUsed is how many threads computed at a time, and how to say it. Records
// of programs that did not look for that have only over how many threads the work
// was spread, which is more if threads take turns; 0 if nobody looked.
func threadsUsed(u *record.Utilization) (used float64, how string) {
	switch {
	case u.ThreadsAtOnce != nil:
		return *u.ThreadsAtOnce, "%.1f threads computed or waited for a CPU at a time"
	case u.ThreadsBusy != nil:
		return *u.ThreadsBusy, "the work was spread over %.1f threads"
	}
	return 0, ""
}

// warner adds warnings about a cell.
func warner(r *record.Record, c *record.Cell) func(code, format string, args ...any) {
	return func(code, format string, args ...any) { r.Warn(c.Scope(), code, format, args...) }
}

// timed is what happened during the blocks of every process of a cell.
type timed struct {
	seconds, faults, heat float64
}

func whileTimed(c *record.Cell) (t timed) {
	for _, p := range c.MeasuredProcesses() {
		for i := range p.Blocks {
			b := &p.Blocks[i]
			t.seconds += b.Seconds()
			t.faults += grown(p, record.SeriesDiskFaults, b)
			t.heat += grown(p, record.SeriesHeat, b)
		}
	}
	return t
}

// grown is how much a counter grew during a block; 0 when nobody looked.
func grown(p *record.Process, series string, b *record.Block) float64 {
	v, _ := p.SeriesNamed(series).Increase(b.StartNS, b.EndNS)
	return v
}
