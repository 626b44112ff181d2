package summary

import (
	"cmp"
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/stats"
)

// Throughput is the cell's, as the record has it; nil when nothing was measured.
func Throughput(c *record.Cell) *Estimate {
	if c.Throughput == nil {
		return nil
	}
	e := ofThroughput(c.Throughput)
	return &e
}

// Percentile is a percentile of the single-stream latency in milliseconds over
// the iterations of all processes, as the record has it, with the interval of the
// median of that of each process; nil when the record has none.
func Percentile(c *record.Cell, p float64) *Estimate {
	l := c.LatencyMS
	if l == nil {
		return nil
	}
	value := map[float64]*float64{0.5: l.P50, 0.9: l.P90, 0.95: l.P95, 0.99: l.P99, 0.999: l.P999}[p]
	if value == nil {
		return nil
	}
	var each []float64
	for _, process := range c.MeasuredProcesses() {
		one := record.Cell{Processes: []record.Process{*process}}
		if v, ok := stats.Percentile(one.LatenciesMS(), p); ok {
			each = append(each, v)
		}
	}
	e := around(*value, each)
	return &e
}

// MemoryPeak is the largest memory of the runner in bytes over all processes, as
// the record has it, with the interval of their median; nil when nobody looked.
func MemoryPeak(c *record.Cell) *Estimate {
	if c.Utilization == nil || c.Utilization.MemoryPeakBytes == nil {
		return nil
	}
	var each []float64
	for _, process := range c.MeasuredProcesses() {
		if process.MemoryPeakBytes != nil {
			each = append(each, float64(*process.MemoryPeakBytes))
		}
	}
	e := around(float64(*c.Utilization.MemoryPeakBytes), each)
	return &e
}

// MillijoulesPerImage is the energy of the card in the throughput blocks over
// their images, with the interval of the throughput at the same power; nil if
// neither energy nor power is in the record.
func MillijoulesPerImage(c *record.Cell) *Estimate {
	u, t := c.Utilization, c.Throughput
	if u == nil || t == nil || t.CILow <= 0 {
		return nil
	}
	switch {
	case u.ImagesPerJoule != nil:
		return energyOfImages(1000 / *u.ImagesPerJoule, t)
	case u.GPUPowerWatts != nil: // a record that is older than energies
		return energyOfImages(1000**u.GPUPowerWatts/t.Median, t)
	}
	return nil
}

// ProcessorMillijoulesPerImage is the energy of all processors in the throughput
// blocks over their images, with the interval of the throughput at the same
// power; nil if their energy is not in the record.
func ProcessorMillijoulesPerImage(c *record.Cell) *Estimate {
	u, t := c.Utilization, c.Throughput
	if u == nil || t == nil || t.CILow <= 0 || u.ImagesPerCPUJoule == nil {
		return nil
	}
	return energyOfImages(1000 / *u.ImagesPerCPUJoule, t)
}

func energyOfImages(millijoules float64, t *record.Throughput) *Estimate {
	return &Estimate{Value: millijoules, Low: millijoules * t.Median / t.CIHigh, High: millijoules * t.Median / t.CILow, Level: t.Level, N: t.N}
}

// Deciles are the least value, the nine deciles and the greatest.
func Deciles(values []float64) []float64 {
	return stats.Quantiles(values, 0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)
}

// Timed is how long the blocks of the measured processes took, in seconds.
func Timed(c *record.Cell) float64 { return whileTimed(c).seconds }

// MedianProcess is the measured process whose throughput is the median, the lower
// one of two; nil when none was measured.
func MedianProcess(c *record.Cell, batch int) *record.Process {
	processes := c.MeasuredProcesses()
	if len(processes) == 0 {
		return nil
	}
	slices.SortStableFunc(processes, func(a, b *record.Process) int {
		x, _ := ProcessThroughput(*a, batch)
		y, _ := ProcessThroughput(*b, batch)
		return cmp.Compare(x, y)
	})
	return processes[(len(processes)-1)/2]
}

// Middle is the median of values.
func Middle(values []float64) float64 { return stats.Median(values) }
