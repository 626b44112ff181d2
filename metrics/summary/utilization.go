package summary

import (
	"reflect"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/stats"
)

// alignBlocks gives every block the means of what was seen while it ran. A
// block whose series do not cover it keeps what it has.
func alignBlocks(c *record.Cell) {
	gpu := record.GPUIndex(c.Device)
	for i := range c.Processes {
		p := &c.Processes[i]
		for j := range p.Blocks {
			b := &p.Blocks[j]
			align(&b.CPUPercent, p.SeriesNamed(record.SeriesCPU), b)
			align(&b.HostCPUPercent, p.SeriesNamed(record.SeriesHostCPU), b)
			align(&b.GPUPercent, p.SeriesNamed(record.GPUSeries(gpu, record.GPUPercent)), b)
		}
	}
}

func align(to **float64, s *record.Series, b *record.Block) {
	if v, ok := s.Mean(b.StartNS, b.EndNS); ok {
		*to = &v
	}
}

// utilization is what was seen during the throughput blocks: the mean over a
// process's blocks, weighed by their length, then the median over processes;
// of memory, the largest; of throttling, the sum. Nil when there is nothing to
// say.
func utilization(r *record.Record, c *record.Cell) *record.Utilization {
	processes := c.MeasuredProcesses()
	gpu := record.GPUIndex(c.Device)
	u := &record.Utilization{
		CPUPercent:      overBlocks(processes, func(b *record.Block) *float64 { return b.CPUPercent }),
		HostCPUPercent:  overBlocks(processes, func(b *record.Block) *float64 { return b.HostCPUPercent }),
		GPUPercent:      overBlocks(processes, func(b *record.Block) *float64 { return b.GPUPercent }),
		MemoryPeakBytes: memoryPeak(processes),
		ThrottledNS:     throttled(processes),
		ThreadsBusy:     meanOfSeries(processes, record.SeriesThreads),
		ThreadsAtOnce:   meanOfSeries(processes, record.SeriesAtOnce),
		ForeignCPUs:     foreignLoad(processes, r.Environment.LogicalCPUs),
		StealPercent:    meanOfSeries(processes, record.SeriesSteal),
		GPUMemoryBytes:  largest(processes, record.GPUSeries(gpu, record.GPUMemory)),
		GPUPowerWatts:   meanOfSeries(processes, record.GPUSeries(gpu, record.GPUPower)),
		GPUClockMHz:     meanOfSeries(processes, record.GPUSeries(gpu, record.GPUClock)),
		GPUMemoryClock:  meanOfSeries(processes, record.GPUSeries(gpu, record.GPUMemoryClock)),
		GPUTemperature:  meanOfSeries(processes, record.GPUSeries(gpu, record.GPUTemperature)),
		Missing:         missing(processes),
	}
	addEnergy(u, r, c)
	addProcessorEnergy(u, r, c)
	if reflect.ValueOf(*u).IsZero() {
		return nil
	}
	return u
}

// overBlocks is nil when no throughput block has the figure.
func overBlocks(processes []*record.Process, of func(*record.Block) *float64) *float64 {
	return medianOver(processes, func(p *record.Process) (float64, bool) {
		return weighed(p, func(b *record.Block) (float64, bool) {
			if v := of(b); v != nil {
				return *v, true
			}
			return 0, false
		})
	})
}

// meanOfSeries is nil when no throughput block is covered by the series.
func meanOfSeries(processes []*record.Process, name string) *float64 {
	return medianOver(processes, func(p *record.Process) (float64, bool) {
		s := p.SeriesNamed(name)
		return weighed(p, func(b *record.Block) (float64, bool) { return s.Mean(b.StartNS, b.EndNS) })
	})
}

// weighed is the mean over throughput blocks by their length.
func weighed(p *record.Process, of func(*record.Block) (float64, bool)) (float64, bool) {
	total, length := 0.0, 0.0
	for i := range p.Blocks {
		b := &p.Blocks[i]
		if v, ok := of(b); ok && b.TimesThroughput() {
			total += v * b.Seconds()
			length += b.Seconds()
		}
	}
	return total / length, length > 0
}

func medianOver(processes []*record.Process, of func(*record.Process) (float64, bool)) *float64 {
	var values []float64
	for _, p := range processes {
		if v, ok := of(p); ok {
			values = append(values, v)
		}
	}
	if len(values) == 0 {
		return nil
	}
	m := stats.Median(values)
	return &m
}

// foreignLoad is how many CPUs processes other than the runner kept busy. It
// is nil if the machine or the runner was not seen.
func foreignLoad(processes []*record.Process, cpus int) *float64 {
	return overBlocks(processes, func(b *record.Block) *float64 {
		if b.CPUPercent == nil || b.HostCPUPercent == nil || cpus == 0 {
			return nil
		}
		v := max(0, *b.HostCPUPercent*float64(cpus)-*b.CPUPercent) / 100
		return &v
	})
}

func memoryPeak(processes []*record.Process) *int64 {
	var peak *int64
	for _, p := range processes {
		if p.MemoryPeakBytes != nil && (peak == nil || *p.MemoryPeakBytes > *peak) {
			v := *p.MemoryPeakBytes
			peak = &v
		}
	}
	return peak
}

// largest value of a series over the life of every process.
func largest(processes []*record.Process, name string) *int64 {
	var peak *int64
	for _, p := range processes {
		s := p.SeriesNamed(name)
		if s == nil || len(s.Values) == 0 {
			continue
		}
		if v := int64(stats.Range(s.Values).High); peak == nil || v > *peak {
			peak = &v
		}
	}
	return peak
}

// throttled is the throttled time during every block; nil when no block's is
// known.
func throttled(processes []*record.Process) *int64 {
	var total *int64
	for _, p := range processes {
		s := p.SeriesNamed(record.SeriesThrottled)
		for _, b := range p.Blocks {
			if v, ok := s.Increase(b.StartNS, b.EndNS); ok {
				if total == nil {
					total = new(int64)
				}
				*total += int64(v)
			}
		}
	}
	return total
}

// missing are the sources that some process lacked, with the first reason.
func missing(processes []*record.Process) map[string]string {
	var all map[string]string
	for _, p := range processes {
		for source, reason := range p.Missing {
			if all == nil {
				all = map[string]string{}
			}
			if _, known := all[source]; !known {
				all[source] = reason
			}
		}
	}
	return all
}
