package summary

import (
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
		alone := record.Cell{Processes: []record.Process{*process}}
		if v, ok := stats.Percentile(alone.LatenciesMS(), p); ok {
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
