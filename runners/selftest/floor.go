package selftest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dlbench/dlbench/metrics/stats"
	"github.com/dlbench/dlbench/runners/campaign"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/plan"
)

// The bounds of the floor.
const (
	edgeShare       = 1e-4 // of the shortest block: what its edges may cost
	shortestBlock   = 300 * time.Millisecond
	floorIterations = 10_000
	floorRequests   = 300
	floorBlocks     = 101
	floorQueries    = 2000
	floorRate       = 500 // queries a second
)

// Floor measures a runner that computes nothing: what is left is the
// harness's own.
func Floor(ctx context.Context, files plan.Files, open func(ctx context.Context) (campaign.Runner, error)) (promises []Promise, err error) {
	r, err := open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close(ctx)) }()
	if _, err := r.Load(ctx, files); err != nil {
		return nil, err
	}
	edges, err := blockEdges(ctx, r)
	if err != nil {
		return nil, err
	}
	bound := edgeShare * float64(shortestBlock)
	promises = append(promises, Promise{Part: "edges of a block", Promise: fmt.Sprintf("under %.0f µs: 0.01 %% of the shortest block", bound/1e3),
		Seen: fmt.Sprintf("%.1f µs", edges/1e3), Kept: edges < bound})
	back, _, err := r.Measure(ctx, protocol.MeasureParams{Scenario: protocol.Offline, Iterations: floorIterations}, false)
	if err != nil {
		return nil, err
	}
	perIteration := float64(back.EndNS-back.StartNS) / floorIterations
	promises = append(promises, Promise{Part: "loop, iterations back to back", Promise: "under 10 µs an iteration",
		Seen: fmt.Sprintf("%.2f µs: %.0f iterations a second", perIteration/1e3, 1e9/perIteration), Kept: perIteration < 10e3})
	single, _, err := r.Measure(ctx, protocol.MeasureParams{Scenario: protocol.SingleStream, Iterations: floorIterations}, false)
	if err != nil {
		return nil, err
	}
	tail := stats.Quantiles(floats(single.IterationNS), 0.5, 0.9, 0.99)
	promises = append(promises, Promise{Part: "latency of nothing", Promise: "p99 under 50 µs",
		Seen: fmt.Sprintf("p50 %.1f, p90 %.1f, p99 %.1f µs", tail[0]/1e3, tail[1]/1e3, tail[2]/1e3), Kept: tail[2] < 50e3})
	scheduled, err := schedule(ctx, r)
	if err != nil {
		return nil, err
	}
	promises = append(promises, scheduled)
	trips, err := roundTrips(ctx, r)
	if err != nil {
		return nil, err
	}
	// Requests lie between blocks: their cost is the harness's patience, in no figure.
	return append(promises, Promise{Part: "protocol, request to reply", Promise: "p99 under 20 ms, outside every block",
		Seen: fmt.Sprintf("p50 %.2f, p99 %.2f ms: %.0f requests a second", trips[0]/1e6, trips[1]/1e6, 1e9/trips[0]), Kept: trips[1] < 20e6}), nil
}

// blockEdges is the typical length of a block of one empty iteration, in
// nanoseconds.
func blockEdges(ctx context.Context, r campaign.Runner) (float64, error) {
	var lengths []float64
	for range floorBlocks {
		m, _, err := r.Measure(ctx, protocol.MeasureParams{Scenario: protocol.Offline, Iterations: 1}, false)
		if err != nil {
			return 0, err
		}
		lengths = append(lengths, float64(m.EndNS-m.StartNS))
	}
	return stats.Median(lengths), nil
}

// schedule serves queries of nothing that arrive as a Poisson process: what is
// late is the issuing loop's and the machine's.
func schedule(ctx context.Context, r campaign.Runner) (Promise, error) {
	p := protocol.MeasureParams{Scenario: protocol.Server, Iterations: floorQueries, ArrivalNS: campaign.Arrivals(1, 0, floorQueries, floorRate)}
	m, _, err := r.Measure(ctx, p, false)
	if err != nil {
		return Promise{}, err
	}
	lag := stats.Quantiles(floats(m.LagNS), 0.5, 0.9, 0.99)
	return Promise{Part: fmt.Sprintf("schedule, %d queries a second", floorRate), Promise: "p99 of the lag under 200 µs",
		Seen: fmt.Sprintf("lag p50 %.1f, p90 %.1f, p99 %.1f µs", lag[0]/1e3, lag[1]/1e3, lag[2]/1e3), Kept: lag[2] < 200e3}, nil
}

// roundTrips are the median and the 99th percentile of a request's way to the
// runner and back, in nanoseconds.
func roundTrips(ctx context.Context, r campaign.Runner) ([]float64, error) {
	var trips []float64
	for range floorRequests {
		began := time.Now()
		if _, err := r.Warmup(ctx, protocol.WarmupParams{Iterations: 1}); err != nil {
			return nil, err
		}
		trips = append(trips, float64(time.Since(began)))
	}
	return stats.Quantiles(trips, 0.5, 0.99), nil
}

func floats(ns []int64) []float64 {
	out := make([]float64, len(ns))
	for i, v := range ns {
		out[i] = float64(v)
	}
	return out
}
