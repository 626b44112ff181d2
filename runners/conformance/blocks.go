package conformance

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"path/filepath"

	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/tensors"
)

func (s Suite) brokenQueries(ctx context.Context, t *exchange) {
	t.refuses(ctx, "refuses queries that are not whole", protocol.Measure, object{"scenario": "multi-stream", "iterations": 4, "query_iterations": 3}, protocol.BadRequest, "query_iterations")
	t.refuses(ctx, "refuses a schedule that is cut off", protocol.Measure, object{"scenario": "server", "iterations": 3, "arrival_ns": []int{0, 1}}, protocol.BadRequest, "arrival_ns")
	t.refuses(ctx, "refuses a schedule that runs backwards", protocol.Measure, object{"scenario": "server", "iterations": 2, "arrival_ns": []int{5, 1}}, protocol.BadRequest, "arrival_ns")
}

// schedule has two queries at once, so that one has to wait for the other, and
// one much later, so that the runner has to.
var schedule = []int64{0, 0, 1e6, 3e8}

// block measures four iterations and returns the digest of the last output.
func (t *exchange) block(ctx context.Context, scenario protocol.Scenario) (digest string, err error) {
	const iterations = 4
	path := filepath.Join(t.Work, string(scenario)+".safetensors")
	var m protocol.MeasureResult
	params := protocol.MeasureParams{Scenario: scenario, Iterations: iterations, Output: t.Inside(path)}
	switch scenario {
	case protocol.MultiStream:
		params.QueryIterations = iterations / 2
	case protocol.Server:
		params.ArrivalNS = schedule
	}
	if err := t.ask(ctx, protocol.Measure, params, &m); err != nil {
		return "", err
	}
	if m.EndNS <= m.StartNS {
		return "", fmt.Errorf("a block from %d to %d", m.StartNS, m.EndNS)
	}
	if err := plausible(scenario, m, iterations); err != nil {
		return "", err
	}
	return m.OutputDigest, sameDigest(path, m.OutputDigest)
}

// plausible wants times that fit the scenario.
func plausible(scenario protocol.Scenario, m protocol.MeasureResult, iterations int) error {
	length := m.EndNS - m.StartNS
	switch scenario {
	case protocol.SingleStream:
		if total := sum(m.IterationNS); len(m.IterationNS) != iterations || total > length {
			return fmt.Errorf("%d latencies of %d ns in a block of %d iterations and %d ns", len(m.IterationNS), total, iterations, length)
		}
	case protocol.MultiStream:
		if total := sum(m.QueryNS); len(m.QueryNS) != iterations/2 || total > length {
			return fmt.Errorf("%d latencies of %d ns in a block of %d queries and %d ns", len(m.QueryNS), total, iterations/2, length)
		}
	case protocol.Server:
		return onSchedule(m, length)
	}
	return nil
}

// onSchedule wants every query after its time, in order, with the latency
// counted from the scheduled time.
func onSchedule(m protocol.MeasureResult, length int64) error {
	if len(m.QueryNS) != len(schedule) || len(m.LagNS) != len(schedule) {
		return fmt.Errorf("%d latencies and %d lags for %d queries", len(m.QueryNS), len(m.LagNS), len(schedule))
	}
	free := int64(0)
	for i, due := range schedule {
		done := due + m.QueryNS[i]
		issued := max(due, free) + m.LagNS[i]
		switch {
		case m.LagNS[i] < 0:
			return fmt.Errorf("query %d was issued %d ns before it was due", i, -m.LagNS[i])
		case done < issued:
			return fmt.Errorf("query %d was done %d ns before it was issued: its latency is not counted from the scheduled time", i, issued-done)
		}
		free = done
	}
	if free > length {
		return fmt.Errorf("the last query was done %d ns after the block's start, the block took %d ns", free, length)
	}
	return nil
}

func sum(ns []int64) (total int64) {
	for _, v := range ns {
		total += v
	}
	return total
}

// sameDigest wants the digest to be that of the written output.
func sameDigest(path, digest string) (err error) {
	f, err := tensors.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	values, err := f.Float32s("output")
	if err != nil {
		return err
	}
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	sum := sha256.Sum256(data)
	if hex.EncodeToString(sum[:]) != digest {
		return errors.New("output_digest is not the SHA-256 of the output that was written")
	}
	return nil
}
