// Package summary makes every figure of a record from its raw processes and
// blocks. It is the one place where figures are made: the campaign calls it
// after every round, and a test that calls it on any record shows that the
// record's figures can be recomputed.
package summary

import (
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/stats"
)

// Summarize sets the figures of every cell, its blocks' means of what the
// samplers saw, the comparisons, and the warnings that follow from them. It
// decides a pending cell that has a measured process: "measured" when parity
// passed, "not_ranked" otherwise. Everything else stays, Converged too, which
// is the campaign's to decide. Summarize twice is Summarize once.
func Summarize(r *record.Record) {
	forgetWarnings(r)
	for i := range r.Cells {
		c := &r.Cells[i]
		decide(c)
		c.Throughput = throughput(c, r.Workload(c.Workload))
		c.LatencyMS = latency(c.LatenciesMS())
		c.MultiStream = multiStreamed(c, r.Workload(c.Workload))
		c.Server = served(c, r.Terms.LatencyBoundMS)
		c.SlidingWindow = windowed(r, c)
		c.Startup, c.ColdStartup = startups(c)
		alignBlocks(c)
		c.Utilization = utilization(r, c)
		warnOfLimits(r, c)
		warnOfLag(r, c)
		warnOfDeviceTime(r, c)
	}
	r.Comparisons = comparisons(r)
	r.Overall = overall(r)
	warnOfLargeRatios(r)
}

// decide ends the wait of a cell that was measured.
func decide(c *record.Cell) {
	if c.Status != record.Pending || len(c.MeasuredProcesses()) == 0 {
		return
	}
	c.Status = record.Measured
	if c.Parity.Status != record.ParityPassed {
		c.Status = record.NotRanked
		if c.Reason == "" {
			c.Reason = "parity " + c.Parity.Status
		}
	}
}

// latency has the percentiles that so many samples support; nil of none.
func latency(ms []float64) *record.Latency {
	if len(ms) == 0 {
		return nil
	}
	percentile := func(p float64) *float64 {
		if v, ok := stats.Percentile(ms, p); ok {
			return &v
		}
		return nil
	}
	largest := stats.Range(ms).High
	return &record.Latency{P50: percentile(0.5), P90: percentile(0.9), P95: percentile(0.95), P99: percentile(0.99), P999: percentile(0.999),
		Max: &largest, N: len(ms)}
}
