package summary

import (
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/stats"
)

// lagShare is how much of the p99 of a latency the p99 of the lag may be
// without a warning.
const lagShare = 0.05

// multiStreamed pools the queries of every process; nil when there are none.
func multiStreamed(c *record.Cell, w *record.Workload) *record.MultiStreamed {
	var ms []float64
	images := 0
	for _, p := range c.MeasuredProcesses() {
		for _, b := range p.Blocks {
			if b.Scenario == record.MultiStream && w != nil {
				ms = append(ms, record.Milliseconds(b.QueryNS)...)
				images = b.Iterations * w.Batch / len(b.QueryNS)
			}
		}
	}
	if len(ms) == 0 {
		return nil
	}
	return &record.MultiStreamed{ImagesPerQuery: images, LatencyMS: *latency(ms)}
}

// windowed pools the volumes of every process for their times; the rate is over
// processes, by the median volume of each. It is nil when there are none.
func windowed(r *record.Record, c *record.Cell) *record.Windowed {
	var ms, rates []float64
	patches := 0
	for _, p := range c.MeasuredProcesses() {
		for _, b := range p.Blocks {
			if b.Scenario != record.SlidingWindow {
				continue
			}
			each := record.Milliseconds(b.QueryNS)
			ms, patches = append(ms, each...), b.Patches
			rates = append(rates, record.MegavoxelsPerSecond(r.Terms.Voxels(), stats.Median(each)*1e6))
		}
	}
	if len(ms) == 0 {
		return nil
	}
	return &record.Windowed{Patches: patches, LatencyMS: *latency(ms), Rate: overProcesses(rates).asThroughput("megavoxels/s", stats.Outliers(rates))}
}

// served is over processes: each one's highest rate that kept the bound, 0 if
// none did. It is nil without a server block.
func served(c *record.Cell, boundMS float64) *record.Served {
	bound := time.Duration(boundMS * 1e6)
	var rates, ms, lags []float64
	out := &record.Served{}
	for _, p := range c.MeasuredProcesses() {
		if !hasServed(p) {
			continue
		}
		best := BestServed(p, bound)
		if best == nil {
			out.Over++
			rates = append(rates, 0)
			continue
		}
		rates = append(rates, best.QueryRate)
		ms, lags = append(ms, record.Milliseconds(best.QueryNS)...), append(lags, record.Milliseconds(best.LagNS)...)
	}
	if len(rates) == 0 {
		return nil
	}
	if stats.Median(rates) > 0 {
		out.Rate = overProcesses(rates).asThroughput("queries/s", stats.Outliers(rates))
	}
	out.LatencyMS, out.LagMS = latency(ms), latency(lags)
	return out
}

// BestServed is the process's server block of the highest rate that kept the
// bound, nil when none did.
func BestServed(p *record.Process, bound time.Duration) *record.Block {
	var best *record.Block
	for i := range p.Blocks {
		if b := &p.Blocks[i]; b.Scenario == record.Server && Keeps(*b, bound) && (best == nil || b.QueryRate > best.QueryRate) {
			best = b
		}
	}
	return best
}

// Keeps says whether the p99 of a block of queries keeps a bound; too few
// queries for a p99 do not. Nor does a block whose queue still grew at its end: a
// wide bound holds while it fills, and no rate above what the runner can serve
// holds for ever.
func Keeps(b record.Block, bound time.Duration) bool {
	p99, ok := stats.Percentile(record.Milliseconds(b.QueryNS), 0.99)
	return ok && p99 <= float64(bound)/1e6 && !QueueGrew(b)
}

// A queue grew if the middle latency of each quarter of a block's queries is above
// that of the quarter before by this factor, and all in all by this share of the
// time in which they were scheduled: what arrived too much.
const (
	quarterGrowth = 1.05
	overload      = 0.03
)

// QueueGrew says whether queries waited longer and longer over a block. A queue
// that a rate can drain comes and goes; one that it cannot rises in a line.
func QueueGrew(b record.Block) bool {
	quarter := len(b.QueryNS) / 4
	if quarter < 10 || b.QueryRate <= 0 {
		return false
	}
	var middles [4]float64
	for i := range middles {
		middles[i] = stats.Median(record.Milliseconds(b.QueryNS[i*quarter : (i+1)*quarter]))
		if i > 0 && middles[i] < quarterGrowth*middles[i-1] {
			return false
		}
	}
	between := 3 * float64(quarter) / b.QueryRate * 1e3 // ms from the middle of the first to that of the last
	return middles[3]-middles[0] > overload*between
}

func hasServed(p *record.Process) bool {
	for _, b := range p.Blocks {
		if b.Scenario == record.Server {
			return true
		}
	}
	return false
}

// warnOfLag warns of a schedule that was not kept: latencies from scheduled times
// hold what the issuing loop added.
func warnOfLag(r *record.Record, c *record.Cell) {
	s := c.Server
	if s == nil || s.LagMS == nil || s.LagMS.P99 == nil || s.LatencyMS.P99 == nil || *s.LagMS.P99 <= lagShare**s.LatencyMS.P99 {
		return
	}
	r.Warn(c.Scope(), record.ScheduleLag, "queries were issued late: the p99 of the lag is %.3g ms, that of the latency %.3g ms", *s.LagMS.P99, *s.LatencyMS.P99)
}
