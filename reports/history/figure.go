package history

import (
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/stats"
)

// Metric names a figure of a cell.
type Metric string

// The metrics.
const (
	Throughput Metric = "throughput" // images/s
	P50        Metric = "p50"        // single-stream latency, ms
	P99        Metric = "p99"        // single-stream latency, ms
	Memory     Metric = "memory"     // peak, bytes
)

// Metrics are all of them.
func Metrics() []Metric { return []Metric{Throughput, P50, P99, Memory} }

// Unit is that of the metric's figures.
func (m Metric) Unit() string {
	switch m {
	case Throughput:
		return "images/s"
	case Memory:
		return "bytes"
	}
	return "ms"
}

// Figure is a measured value with its interval.
type Figure struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	Level float64 `json:"level"` // coverage of the interval; 0 when it is a range over processes
	N     int     `json:"n"`     // processes
}

// intervalLevel is the coverage that is asked for, as of throughput.
const intervalLevel = 0.95

// figuresOf are the figures of a ranked cell: what did not pass parity is no
// figure. Throughput has the record's interval. The others have none in a
// record, and get that of the median over processes, or their range where they
// are too few; it always holds the figure.
func figuresOf(c *record.Cell) map[Metric]Figure {
	figures := map[Metric]Figure{}
	if !c.Ranked() {
		return figures
	}
	if t := c.Throughput; t != nil {
		figures[Throughput] = Figure{Value: t.Median, Low: t.CILow, High: t.CIHigh, Level: t.Level, N: t.N}
	}
	if l := c.LatencyMS; l != nil {
		if l.P50 != nil {
			figures[P50] = withInterval(*l.P50, percentiles(c, 0.5))
		}
		if l.P99 != nil {
			figures[P99] = withInterval(*l.P99, percentiles(c, 0.99))
		}
	}
	if u := c.Utilization; u != nil && u.MemoryPeakBytes != nil {
		figures[Memory] = withInterval(float64(*u.MemoryPeakBytes), memoryPeaks(c))
	}
	return figures
}

// withInterval adds the interval that processes leave.
func withInterval(value float64, processes []float64) Figure {
	f := Figure{Value: value, Low: value, High: value, N: len(processes)}
	iv := stats.MedianInterval(processes, intervalLevel)
	if !iv.Exists() {
		iv = stats.Range(processes)
	}
	if f.N > 0 {
		f.Low, f.High, f.Level = min(value, iv.Low), max(value, iv.High), iv.Level
	}
	return f
}

// percentiles are those of each process that has the samples for one.
func percentiles(c *record.Cell, p float64) []float64 {
	var found []float64
	for _, process := range c.MeasuredProcesses() {
		alone := record.Cell{Processes: []record.Process{*process}}
		if v, ok := stats.Percentile(alone.LatenciesMS(), p); ok {
			found = append(found, v)
		}
	}
	return found
}

func memoryPeaks(c *record.Cell) []float64 {
	var found []float64
	for _, process := range c.MeasuredProcesses() {
		if process.MemoryPeakBytes != nil {
			found = append(found, float64(*process.MemoryPeakBytes))
		}
	}
	return found
}

// MetricNamed is the metric of a name; false when there is none.
func MetricNamed(name string) (Metric, bool) {
	i := slices.Index(Metrics(), Metric(name))
	return Metric(name), i >= 0
}
