package record_test

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/dlbench/dlbench/metrics/record"
)

// TestTextsOfARecordAreHarmless reads a record whose texts command a terminal, a
// build server and a page.
func TestTextsOfARecordAreHarmless(t *testing.T) {
	r := small()
	r.Environment.Host = "h\x1b[2J\n::error::gone"
	r.Environment.Missing = map[string]string{"a\rb": "c\u202ed"}
	r.Warnings = record.Warnings{{Code: "x", Scope: "run", Text: "bell\a"}}
	r.Cells[0].Reason = "line\nline\u009b1m"
	r.Runners[0].Build = map[string]string{"flags": "ü – fine\u00a0here"}
	read, err := record.Decode("f.json", []byte(encoded(t, r)))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := read.Environment.Host, `h\x1b[2J\n::error::gone`; got != want {
		t.Errorf("host %q, expected %q", got, want)
	}
	if got := read.Environment.Missing[`a\rb`]; got != `c\u202ed` || len(read.Environment.Missing) != 1 {
		t.Errorf("missing %q", read.Environment.Missing)
	}
	if got := read.Runners[0].Build["flags"]; got != "ü – fine\u00a0here" {
		t.Errorf("a harmless text became %q", got)
	}
	for _, text := range []string{read.Warnings[0].Text, read.Cells[0].Reason} {
		if strings.ContainsFunc(text, unicode.IsControl) {
			t.Errorf("%q has a control character", text)
		}
	}
}

func process(r *record.Record) *record.Process { return &r.Cells[0].Processes[0] }

func block(r *record.Record, i int) *record.Block { return &process(r).Blocks[i] }

func TestImpossibleRecordsAreRefused(t *testing.T) {
	ms := func(v float64) *float64 { return &v }
	for name, tt := range map[string]struct {
		spoil func(*record.Record)
		want  string
	}{
		"year 0":              {func(r *record.Record) { r.Created = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC) }, "created: is 0000-01-01"},
		"year 9999":           {func(r *record.Record) { r.Updated = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) }, "updated: is 9999-01-01"},
		"failed and measured": {func(r *record.Record) { r.Cells[0].Parity.Status = record.ParityFailed }, `is measured with parity "failed"`},
		"measured, unchecked": {func(r *record.Record) { r.Cells[0].Parity.Status = record.ParitySkipped }, `is measured with parity "skipped"`},
		"p99 above max":       {func(r *record.Record) { r.Cells[0].LatencyMS = &record.Latency{P99: ms(5), Max: ms(4), N: 700} }, "latency_ms.max: is 4 ms, expected at least the 5 of p99"},
		"p50 above p90":       {func(r *record.Record) { r.Cells[0].LatencyMS = &record.Latency{P50: ms(5), P90: ms(4), N: 700} }, "latency_ms.p90"},
		"negative latency":    {func(r *record.Record) { r.Cells[0].LatencyMS = &record.Latency{P50: ms(-1), N: 700} }, "latency_ms.p50"},
		"of queries": {func(r *record.Record) {
			r.Cells[0].MultiStream = &record.MultiStreamed{ImagesPerQuery: 8, LatencyMS: record.Latency{P99: ms(2), Max: ms(1), N: 700}}
		}, "multi_stream.latency_ms.max"},
		"throughput of no block": {func(r *record.Record) {
			c := &r.Cells[0]
			c.Status, c.LatencyMS, c.MultiStream, c.Server, c.Processes = record.NotRanked, nil, nil, nil, nil
		}, "cells[0].throughput: no measured process has a throughput block"},
		"measured, no process":         {func(r *record.Record) { r.Cells[0].Processes = nil }, "is measured, and no process was"},
		"process without a block":      {func(r *record.Record) { process(r).Blocks = nil }, "processes[0].blocks: are none"},
		"state of a process":           {func(r *record.Record) { process(r).Status = "excellent" }, "value must be one of 'measured', 'failed'"},
		"processes do not add up":      {func(r *record.Record) { r.Cells[0].Throughput.N = 7 }, "throughput.n: is 7, and 1 processes have"},
		"latencies do not add up":      {func(r *record.Record) { r.Cells[0].LatencyMS.N = 700 }, "latency_ms.n: is 700, and the processes have 3"},
		"queries do not add up":        {func(r *record.Record) { r.Cells[0].MultiStream.LatencyMS.N = 2 }, "multi_stream.latency_ms.n: is 2, and the processes have 1"},
		"volumes do not add up":        {func(r *record.Record) { r.Cells[0].SlidingWindow.LatencyMS.N = 3 }, "sliding_window.latency_ms.n: is 3, and the processes have 2"},
		"patches of another layout":    {func(r *record.Record) { r.Cells[0].SlidingWindow.Patches = 9 }, "sliding_window.patches: is 9, and a block has 25"},
		"a batch without a patch":      {func(r *record.Record) { block(r, 4).Patches, r.Cells[0].SlidingWindow.Patches = 3, 3 }, "blocks[4].patches: is 3, fewer than"},
		"volumes and a half":           {func(r *record.Record) { block(r, 4).Iterations = 7 }, "blocks[4].query_ns: has 2 latencies"},
		"volumes of no size":           {func(r *record.Record) { r.Terms.Volume = "64x" }, `terms.volume: "64x" is not a size`},
		"faster than its volumes":      {func(r *record.Record) { r.Terms.Volume = "32x64" }, "sliding_window.rate: the interval"},
		"slowest volume before p50":    {func(r *record.Record) { r.Cells[0].SlidingWindow.LatencyMS.P50 = ms(13) }, "sliding_window.latency_ms.max"},
		"more queries than asked":      {func(r *record.Record) { r.Cells[0].Server.LatencyMS.N = 3 }, "server.latency_ms.n: is 3, of 2"},
		"over more than there are":     {func(r *record.Record) { r.Cells[0].Server.Over = 2 }, "server.over: 2 processes kept the bound at no rate, of 1"},
		"more outliers than there are": {func(r *record.Record) { r.Cells[0].Throughput.Outliers = 2 }, "outliers: is 2 of 1"},
		"faster than its blocks": {func(r *record.Record) {
			t := r.Cells[0].Throughput
			t.Median, t.CIHigh = 1700, 1700
		}, "is wider than the blocks, which have from 1600 to 1600"},
		"slower than its blocks": {func(r *record.Record) { r.Cells[0].Throughput.CILow = 1500 }, "is wider than the blocks"},
		"faster than its queries": {func(r *record.Record) {
			t := r.Cells[0].Server.Rate
			t.Median, t.CIHigh = 11, 11
		}, "server.rate: the interval"},
		"a block of 0 s":         {func(r *record.Record) { block(r, 0).EndNS = block(r, 0).StartNS }, "expected later than start_ns"},
		"a block before time":    {func(r *record.Record) { block(r, 0).StartNS = math.MinInt64 }, "start_ns: is -9223372036854775808"},
		"a block of no machine":  {func(r *record.Record) { block(r, 0).Iterations = 1 << 60 }, "images per second are of no machine"},
		"negative iteration":     {func(r *record.Record) { block(r, 1).IterationNS[1] = -1 }, "iteration_ns[1]: is -1 ns"},
		"iteration beyond block": {func(r *record.Record) { block(r, 1).IterationNS[1] = 1e8 }, "iteration_ns[1]: is 100000000 ns, expected from 0 to the 10000000"},
		"query beyond block":     {func(r *record.Record) { block(r, 2).QueryNS[0] = 1e8 }, "query_ns[0]"},
		"negative lag":           {func(r *record.Record) { block(r, 3).LagNS[0] = -1 }, "lag_ns[0]: minimum: got -1"},
		"queries at no rate":     {func(r *record.Record) { block(r, 3).QueryRate = -2 }, "query_rate"},
		"negative device time":   {func(r *record.Record) { block(r, 0).DeviceNS = -2 }, "device_ns"},
		"negative warm-up":       {func(r *record.Record) { process(r).WarmupNS[0] = -2 }, "warmup_ns[0]"},
		"longer than the run":    {func(r *record.Record) { block(r, 4).EndNS = 1e9 + 2*int64(time.Hour) }, "the blocks are spread over 2h0m0s, and the run lasted 1m0s"},
		"updated before created": {func(r *record.Record) { r.Updated = r.Created.Add(-2 * time.Hour) }, "updated: is 2026-01-02T01:04:05Z, before the run was created"},
		"more memory than there is": {func(r *record.Record) {
			much := int64(1 << 40)
			r.Cells[0].Utilization.MemoryPeakBytes = &much
		}, "utilization.memory_peak_bytes: is 1099511627776, on a machine of 1073741824"},
		"a process of more memory": {func(r *record.Record) {
			much := int64(1 << 40)
			process(r).MemoryPeakBytes = &much
		}, "processes[0].memory_peak_bytes: is 1099511627776"},
		"more memory than the card": {func(r *record.Record) {
			much := int64(1<<30 + 1)
			r.Cells[0].Utilization.GPUMemoryBytes = &much
		}, "gpu_memory_bytes: is 1073741825, on a card of 1073741824"},
		"a ratio of 0": {func(r *record.Record) { r.Comparisons[0].CILow = 0 }, "comparisons[0].ci_low: is 0"},
		"1e308": {func(r *record.Record) {
			r.Cells[0].Throughput = &record.Throughput{Unit: "images/s", Median: 1e308, CILow: 1e308, CIHigh: 1e308, Interval: "range", N: 1}
		}, "are of no machine"},
	} {
		t.Run(name, func(t *testing.T) {
			r := small()
			tt.spoil(r)
			if _, err := record.Decode("f.json", []byte(encoded(t, r))); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, expected %q", err, tt.want)
			}
		})
	}
}
