package record

import (
	"fmt"
	"sort"
)

// The names of the series that the figures of a cell are made from.
const (
	SeriesCPU       = "cpu_percent"
	SeriesHostCPU   = "host_cpu_percent"
	SeriesMemory    = "memory_bytes"
	SeriesThrottled = "throttled_ns"

	SeriesThreads    = "threads_busy"       // of the runner: over how many threads it spreads its computing
	SeriesAtOnce     = "threads_at_once"    // of the runner: how many of its threads computed, or waited for a CPU, at one moment
	SeriesSteal      = "steal_percent"      // CPU time that the hypervisor gave to others; 100 is every CPU
	SeriesDiskFaults = "disk_faults"        // page faults that waited for a disk, of the machine, since its start
	SeriesHeat       = "cpu_thermal_events" // how often heat held a core's clock down, since its start
	SeriesClock      = "clock_mhz"          // mean over the CPUs
	SeriesCPUEnergy  = "cpu_energy_joules"  // counter: of all processors, since the process was started
)

// What the series of a GPU are about; GPUSeries makes their names.
const (
	GPUPercent     = "percent" // time in which some kernel ran
	GPUMemory      = "memory_bytes"
	GPUEnergy      = "energy_joules" // counter, since the driver was loaded
	GPUPower       = "power_watts"
	GPUClock       = "clock_mhz" // of the multiprocessors
	GPUMemoryClock = "memory_clock_mhz"
	GPUTemperature = "temperature_celsius"

	// 1 while that holds the clocks down, else 0.
	GPUThermalLimit = "thermal_limit"
	GPUPowerCap     = "power_cap"         // the power that software allows
	GPUPowerBrake   = "power_brake"       // a signal of the power supply
	GPUSlowdown     = "hardware_slowdown" // the card's hardware, which names neither heat nor the power supply

	GPULinkGeneration = "pcie_generation"
	GPULinkWidth      = "pcie_width"      // lanes
	GPUReplays        = "pcie_replays"    // counter: what was sent over the link again
	GPUECCErrors      = "ecc_uncorrected" // counter: errors of the memory that could not be corrected, since the driver was loaded
	GPUOthers         = "other_processes" // processes on the card that are not the runner's
)

// GPUSeries is the name of a series of one GPU, like gpu0_percent.
func GPUSeries(index int, about string) string { return fmt.Sprintf("gpu%d_%s", index, about) }

// SeriesNamed is the process's series of that name, nil when there is none.
func (p *Process) SeriesNamed(name string) *Series {
	for i := range p.Series {
		if p.Series[i].Name == name {
			return &p.Series[i]
		}
	}
	return nil
}

// leastCovered is the share of a span that a series has to cover for its mean
// to stand for the span.
const leastCovered = 0.5

// Mean is the mean of a rate or level between two times, each value weighed by
// how long it holds within them. For a rate that was made from a counter, this
// is the counter's interpolated difference over the span. It is false when the
// series covers less than half of the span.
func (s *Series) Mean(startNS, endNS int64) (float64, bool) {
	if s == nil || endNS <= startNS {
		return 0, false
	}
	total, covered := 0.0, 0.0
	for i := max(1, s.firstAfter(startNS)); i < len(s.TimeNS) && s.TimeNS[i-1] < endNS; i++ {
		held := float64(min(endNS, s.TimeNS[i]) - max(startNS, s.TimeNS[i-1]))
		total += held * s.Values[i]
		covered += held
	}
	if covered < leastCovered*float64(endNS-startNS) {
		return 0, false
	}
	return total / covered, true
}

// Increase is how much a counter grew between two times, interpolated between
// its readings; false when they do not span both times.
func (s *Series) Increase(startNS, endNS int64) (float64, bool) {
	from, ok := s.at(startNS)
	to, too := s.at(endNS)
	return to - from, ok && too
}

// at is the counter at a time.
func (s *Series) at(ns int64) (float64, bool) {
	if s == nil || len(s.TimeNS) == 0 || ns < s.TimeNS[0] || ns > s.TimeNS[len(s.TimeNS)-1] {
		return 0, false
	}
	i := max(1, s.firstAfter(ns-1))
	if i >= len(s.TimeNS) {
		return s.Values[0], true // a single reading at exactly this time
	}
	share := float64(ns-s.TimeNS[i-1]) / float64(s.TimeNS[i]-s.TimeNS[i-1])
	return s.Values[i-1] + share*(s.Values[i]-s.Values[i-1]), true
}

// firstAfter is the index of the first reading after a time.
func (s *Series) firstAfter(ns int64) int {
	return sort.Search(len(s.TimeNS), func(i int) bool { return s.TimeNS[i] > ns })
}
