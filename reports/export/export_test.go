package export_test

import (
	"encoding/csv"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/export"
)

var update = flag.Bool("update", false, "write the golden files from what is exported")

const workload = "lenet/infer/b8/fp32"

// hostile is a text that every format has to keep as a text.
const hostile = "a,\"b\"\n<c>&\\d\x01"

func p(v float64) *float64 { return &v }

// small has a cell in every state that formats tell apart.
func small() *record.Record {
	memory := int64(1 << 20)
	return &record.Record{
		SchemaVersion: 1, Suite: "smoke", Profile: "report", Status: record.Complete, Seed: 7, Rounds: 1, Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Environment: record.Environment{Host: "h", Peak: &record.Peak{GFLOPS: 100, Source: "sgemm"}}, Terms: record.Terms{Device: "cpu", Threads: 2, CPUs: "0-1"},
		Workloads: []record.Workload{{ID: workload, Network: "lenet", Mode: "infer", Batch: 8, Precision: "fp32", MACs: 1e6}},
		Warnings:  []record.Warning{{Code: record.StealTime, Scope: "cell:" + workload + "/torch", Text: "some"}},
		Cells: []record.Cell{
			{Workload: workload, Runner: "torch", FrameworkVersion: "2.9", Device: "cpu", Status: record.Measured, Parity: record.Parity{Status: record.ParityPassed},
				Throughput:  &record.Throughput{Median: 1600, CILow: 1500, CIHigh: 1700.5, Level: 0.96, N: 6},
				LatencyMS:   &record.Latency{P50: p(4), P90: p(5.5), N: 64},
				Startup:     &record.Startup{StartSeconds: 1, ImportSeconds: 0.5, LoadSeconds: 0.25, FirstIterationSeconds: 0.125},
				Utilization: &record.Utilization{CPUPercent: p(195), MemoryPeakBytes: &memory, ImagesPerJoule: p(2.5), CPUPowerWatts: p(180.5), ImagesPerCPUJoule: p(9.25)},
				Processes: []record.Process{{Status: record.Measured, Order: 1, Blocks: []record.Block{
					{Scenario: record.Offline, Iterations: 100, StartNS: 1e9, EndNS: 1_500_000_000, CPUPercent: p(195)},
					{Scenario: record.Server, Iterations: 10, StartNS: 2e9, EndNS: 3e9, QueryRate: 10}}}}},
			{Workload: workload, Runner: "broken", Device: "cpu", Status: record.Failed, Reason: hostile, Parity: record.Parity{Status: record.ParityPassed}},
			{Workload: workload, Runner: "another", Device: "cpu", Status: record.NotRanked, Reason: "logits", Parity: record.Parity{Status: record.ParityFailed}},
			{Workload: workload, Runner: "unable", Device: "cpu", Status: record.Unsupported, Reason: "operator LRN", Parity: record.Parity{Status: record.ParityUnsupported}}}}
}

func exported(t *testing.T, name string, rec *record.Record) string {
	t.Helper()
	for _, f := range export.Formats() {
		if f.Name == name {
			var b strings.Builder
			if err := f.Write(&b, rec); err != nil {
				t.Fatal(err)
			}
			return b.String()
		}
	}
	t.Fatalf("no format %q", name)
	return ""
}

func TestFormats(t *testing.T) {
	for _, f := range export.Formats() {
		if f.Name == "markdown" {
			continue // summary.md, tested where it is made
		}
		got, golden := exported(t, f.Name, small()), filepath.Join("testdata", f.Name)
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", f.Name, diff)
		}
	}
}

// What a spreadsheet or pandas reads has the same columns in every row, and
// texts as they were.
func TestTablesReadBack(t *testing.T) {
	for name, want := range map[string]int{"csv": 4, "tidy": 2} {
		rows, err := csv.NewReader(strings.NewReader(exported(t, name, small()))).ReadAll()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(rows) != 1+want {
			t.Errorf("%s: %d rows, expected %d", name, len(rows)-1, want)
		}
	}
	rows, _ := csv.NewReader(strings.NewReader(exported(t, "csv", small()))).ReadAll()
	if rows[2][5] != hostile {
		t.Errorf("the reason reads back as %q", rows[2][5])
	}
}

func TestJUnitCountsWhatItLists(t *testing.T) {
	var suite struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
		Skipped  int `xml:"skipped,attr"`
		Cases    []struct {
			Name    string    `xml:"name,attr"`
			Failure *struct{} `xml:"failure"`
			Skipped *struct{} `xml:"skipped"`
		} `xml:"testcase"`
	}
	decoder := xml.NewDecoder(strings.NewReader(exported(t, "junit", small())))
	if err := decoder.Decode(&suite); err != nil {
		t.Fatal(err)
	}
	if _, err := decoder.Token(); err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	var states []string
	for _, c := range suite.Cases {
		state := c.Name + " passed"
		switch {
		case c.Failure != nil:
			state = c.Name + " failed"
		case c.Skipped != nil:
			state = c.Name + " skipped"
		}
		states = append(states, state)
	}
	if want := []string{"torch passed", "broken failed", "another failed", "unable skipped"}; !cmp.Equal(states, want) || suite.Tests != 4 || suite.Failures != 2 || suite.Skipped != 1 {
		t.Errorf("%v, %d tests, %d failures, %d skipped", states, suite.Tests, suite.Failures, suite.Skipped)
	}
}

// sample is a line of the text exposition format.
var sample = regexp.MustCompile(`^([a-z_]+)\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*)\} (\S+)$`)

func TestPrometheusReadsBack(t *testing.T) {
	rec := small()
	rec.Suite = hostile
	declared, seen := map[string]bool{}, map[string]bool{}
	for _, line := range strings.Split(strings.TrimSuffix(exported(t, "prometheus", rec), "\n"), "\n") {
		if name, found := strings.CutPrefix(line, "# TYPE "); found {
			declared[strings.TrimSuffix(name, " gauge")] = true
			continue
		}
		if strings.HasPrefix(line, "# HELP ") {
			continue
		}
		parts := sample.FindStringSubmatch(line)
		if parts == nil || !declared[parts[1]] {
			t.Fatalf("no sample of a declared metric: %q", line)
		}
		if _, err := strconv.ParseFloat(parts[3], 64); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		if series := parts[1] + parts[2]; seen[series] {
			t.Errorf("the series %s is there twice", series)
		} else {
			seen[series] = true
		}
	}
	if len(declared) != 12 {
		t.Errorf("metrics %v", declared)
	}
}
