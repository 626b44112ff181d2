package summary

import (
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/stats"
)

// Estimate is a figure with the interval that processes or rounds leave it, or,
// of too few for one, with their range: Level is 0 then.
type Estimate struct {
	Value, Low, High float64
	Level            float64 // coverage of the interval
	N                int     // processes, or rounds
}

// IsRange says whether Low and High are the extremes, and no interval.
func (e Estimate) IsRange() bool { return e.Level == 0 }

// HalfWidth is half of the interval or range.
func (e Estimate) HalfWidth() float64 { return (e.High - e.Low) / 2 }

// Scaled is the estimate in another unit.
func (e Estimate) Scaled(by float64) Estimate {
	e.Value, e.Low, e.High = e.Value*by, e.Low*by, e.High*by
	return e
}

// estimate is where an interval that does not exist becomes a range.
func estimate(value float64, n int, iv, extremes stats.Interval) Estimate {
	if !iv.Exists() {
		iv = extremes
	}
	return Estimate{Value: value, Low: iv.Low, High: iv.High, Level: iv.Level, N: n}
}

// inverse is that of what takes so long, of a rate.
func (e Estimate) inverse() Estimate {
	e.Value, e.Low, e.High = 1/e.Value, 1/e.High, 1/e.Low
	return e
}

// overProcesses is the median of one value a process.
func overProcesses(values []float64) Estimate {
	return estimate(stats.Median(values), len(values), stats.MedianInterval(values, stats.Level), stats.Range(values))
}

// around is a figure that was made otherwise than as the median over processes,
// with the interval of that median, stretched if it does not hold the figure.
func around(value float64, processes []float64) Estimate {
	if len(processes) == 0 {
		return Estimate{Value: value, Low: value, High: value}
	}
	e := overProcesses(processes)
	e.Value, e.Low, e.High = value, min(value, e.Low), max(value, e.High)
	return e
}

// ofThroughput is the estimate that a record holds.
func ofThroughput(t *record.Throughput) Estimate {
	return Estimate{Value: t.Median, Low: t.CILow, High: t.CIHigh, Level: t.Level, N: t.N}
}

// asThroughput is the estimate as a record holds it.
func (e Estimate) asThroughput(unit string, outliers int) *record.Throughput {
	kind := "order-statistic"
	if e.IsRange() {
		kind = "range"
	}
	return &record.Throughput{Unit: unit, Median: e.Value, CILow: e.Low, CIHigh: e.High, Level: e.Level, Interval: kind, N: e.N, Outliers: outliers}
}
