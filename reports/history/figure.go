package history

import (
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
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

// figuresOf are the figures of a ranked cell: what did not pass parity is no
// figure.
func figuresOf(c *record.Cell) map[Metric]Figure {
	figures := map[Metric]Figure{}
	if !c.Ranked() {
		return figures
	}
	for metric, estimate := range map[Metric]*summary.Estimate{Throughput: summary.Throughput(c), P50: summary.Percentile(c, 0.5),
		P99: summary.Percentile(c, 0.99), Memory: summary.MemoryPeak(c)} {
		if e := estimate; e != nil {
			figures[metric] = Figure{Value: e.Value, Low: e.Low, High: e.High, Level: e.Level, N: e.N}
		}
	}
	return figures
}

// MetricNamed is the metric of a name; false when there is none.
func MetricNamed(name string) (Metric, bool) {
	i := slices.Index(Metrics(), Metric(name))
	return Metric(name), i >= 0
}
