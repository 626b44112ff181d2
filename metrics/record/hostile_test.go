package record_test

import (
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
