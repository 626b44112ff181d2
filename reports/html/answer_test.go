package html_test

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
)

func TestFirstScreenAnswers(t *testing.T) {
	rec := campaign(thorough())
	page := render(t, rec)
	answer, _, _ := strings.Cut(page, `<section id="warnings"`)
	c, _ := rec.Comparison(rec.Workloads[0].ID, "onnxruntime", "mxnet")
	for what, want := range map[string]string{
		"who and by how much": fmt.Sprintf("onnxruntime is fastest: %.3f× as fast as mxnet", c.Ratio),
		"parity":              "Same computation: 72 of 96 cells agree with the float64 reference; 60 are ranked.",
		"replication":         "Replication: 8 fresh processes a cell",
		"a broken runner":     "failed",
		"why it broke":        "killed: the memory limit was reached",
		"an unsupported one":  "no operator Resize",
		"a failed parity":     "parity failed",
		"a known warning":     "other machines share the processor",
		"an unknown warning":  "a warning that this program does not know",
		"a warning of a cell": record.NoSteadyState,
	} {
		if !strings.Contains(plain(answer), want) {
			t.Errorf("%s: the first part does not say %q", what, want)
		}
	}
}

func TestRankingHasIntervalsVerdictsAndWarnings(t *testing.T) {
	rec := campaign(thorough())
	ranking := rows(t, render(t, rec), "resnet18-infer-b1-fp32-ranking-table")
	if got := cellOf(t, ranking, "onnxruntime", "against fastest"); got != "fastest" {
		t.Errorf("the first is %q", got)
	}
	if got := cellOf(t, ranking, "mxnet", "against fastest"); !strings.HasSuffix(got, "×, slower") {
		t.Errorf("the second is %q", got)
	}
	if got := cellOf(t, ranking, "mxnet", "notes"); got != record.NoSteadyState {
		t.Errorf("notes %q", got)
	}
	if got := cellOf(t, ranking, "keras-jax", "notes"); got != "failed: killed: the memory limit was reached" {
		t.Errorf("notes %q", got)
	}
	if interval := cellOf(t, ranking, "mxnet", "99 % interval"); !regexp.MustCompile(`^[\d.]+ – [\d.]+$`).MatchString(interval) {
		t.Errorf("interval %q", interval)
	}
	if !slices.Contains(ranking[0], "0 to fastest") {
		t.Error("the intervals are not drawn")
	}
	if order := []string{ranking[1][0], ranking[2][0]}; !strings.HasPrefix(order[0], "onnxruntime") || !strings.HasPrefix(order[1], "mxnet") {
		t.Errorf("order %v", order)
	}
}

// A quick look has ranges, and says that they allow no verdict.
func TestQuickLooksHaveNoVerdicts(t *testing.T) {
	page := plain(render(t, campaign(small())))
	for _, want := range []string{"too few processes for a verdict", "ranges, and no verdicts", "least to greatest process"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// The higher median may have been the slower one round by round: the sentence
// must not praise it for that.
func TestAHeadlineDoesNotContradictItsRatio(t *testing.T) {
	rec := campaign(small())
	w := rec.Workloads[0].ID
	for i := range rec.Comparisons {
		if c := &rec.Comparisons[i]; c.Workload == w && c.A == "onnxruntime" && c.B == "mxnet" {
			c.Ratio, c.CILow, c.CIHigh = 0.94, 0.67, 1.12
		}
	}
	if want := "onnxruntime has the higher median, and was 0.9400× as fast as mxnet round by round"; !strings.Contains(plain(render(t, rec)), want) {
		t.Errorf("the page does not say %q", want)
	}
}

func TestAnInterruptedRunSaysSoFirst(t *testing.T) {
	rec := campaign(small())
	for status, want := range map[string]string{record.Interrupted: "This run was interrupted after 3 rounds.", record.Running: "This run is not finished: 3 rounds are in."} {
		rec.Status = status
		page := render(t, rec)
		at, first := strings.Index(page, want), strings.Index(page, "<table")
		if at < 0 || at > first {
			t.Errorf("%s: %q stands at %d, the first table at %d", status, want, at, first)
		}
	}
}

func TestOverallRanksByPairedRatios(t *testing.T) {
	rec := campaign(thorough())
	overall := rows(t, render(t, rec), "overall-table")
	var lines []string
	for _, line := range overall[1:] {
		if line[0] == "infer" {
			lines = append(lines, strings.Join(slices.DeleteFunc(line[1:], func(s string) bool { return s == "" }), " "))
		}
	}
	if len(lines) != 4 {
		t.Fatalf("got %q", lines)
	}
	// Every runner of the fixture has 0.8 of the one before it.
	if !regexp.MustCompile(`^mxnet onnxruntime 0\.(79|80|81)\d\d× 0\.\d+ – 0\.\d+ 6 slower$`).MatchString(lines[0]) {
		t.Errorf("got %q", lines[0])
	}
}

// A warning stands beside the figures that it concerns and beside no other.
func TestWarningsStandBesideTheirFigures(t *testing.T) {
	rec := campaign(thorough())
	rec.Warnings = append(rec.Warnings, record.Warning{Code: record.FewProcesses, Scope: "run"})
	page := render(t, rec)
	const w = "resnet18-infer-b1-fp32"
	for figure, few := range map[string]bool{w + "-throughput": true, w + "-compute": true, w + "-energy": true, w + "-coldstart": false, w + "-latency": false} {
		markup := figureOf(t, page, figure)
		if strings.Contains(markup, record.FewProcesses) != few || !strings.Contains(markup, record.VirtualMachine) {
			t.Errorf("%s: the warnings of the whole run are not those that concern it", figure)
		}
	}
	for figure, want := range map[string][2]bool{ // of the steady state, of memory
		w + "-throughput": {true, false}, w + "-latency": {true, false}, w + "-coldstart": {false, false}, w + "-compute": {true, false},
		"resnet18-infer-b8-fp32-throughput": {false, false},
	} {
		markup := figureOf(t, page, figure)
		got := [2]bool{strings.Contains(markup, record.NoSteadyState), strings.Contains(markup, record.MemoryMismatch)}
		if got != want {
			t.Errorf("%s: steady state and memory %v, expected %v", figure, got, want)
		}
	}
	usage := rows(t, page, w+"-usage-table")
	if got := cellOf(t, usage, "caffe2", "warnings"); got != record.MemoryMismatch {
		t.Errorf("beside caffe2's memory stands %q", got)
	}
	if got := cellOf(t, usage, "onnxruntime", "warnings"); got != "" {
		t.Errorf("beside onnxruntime's memory stands %q", got)
	}
}

func TestWarningsSayWhatToDo(t *testing.T) {
	rec := campaign(small())
	page := plain(render(t, rec))
	for _, w := range rec.Warnings {
		explained, _ := record.Explain(w.Code)
		for _, want := range []string{w.Text, explained.Meaning, explained.Remedy} {
			if !strings.Contains(page, strings.Join(strings.Fields(want), " ")) {
				t.Errorf("%s: the page does not say %q", w.Code, want)
			}
		}
	}
	rec.Warnings = nil
	if page := plain(render(t, rec)); !strings.Contains(page, "No warnings.") {
		t.Error("a page without warnings does not say so")
	}
}

// A link to a section works in the next report too, whatever the order in which
// it was measured, and leads somewhere.
func TestAnchorsAreStableUniqueAndReached(t *testing.T) {
	rec := campaign(small())
	page := render(t, rec)
	slices.Reverse(rec.Workloads)
	reversed := render(t, rec)
	for _, id := range []string{"answer", "warnings", "terms", "machine", "workloads", "resnet20-train-b8-fp32", "resnet20-train-b8-fp32-throughput", "lenet-infer-b8-fp32-parity", "warning-virtual-machine"} {
		for _, p := range []string{page, reversed} {
			if strings.Count(p, ` id="`+id+`"`) != 1 {
				t.Errorf("anchor %s is there %d times", id, strings.Count(p, ` id="`+id+`"`))
			}
		}
	}
	for name, p := range map[string]string{"one": page, "three": render(t, rec, rec, rec), "odd": render(t, oddNames())} {
		ids := map[string]int{}
		for _, m := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(p, -1) {
			ids[m[1]]++
		}
		for id, n := range ids {
			if n > 1 {
				t.Errorf("%s: anchor %s is there %d times", name, id, n)
			}
		}
		for _, m := range regexp.MustCompile(`href="#([^"]*)"`).FindAllStringSubmatch(p, -1) {
			if ids[m[1]] == 0 {
				t.Errorf("%s: a link leads to %s, which is not there", name, m[1])
			}
		}
	}
}

// oddNames differ in signs only, and one has no letter.
func oddNames() *record.Record {
	rec := campaign(small())
	for i, id := range []string{"a/b", "a_b", "a b", "???"} {
		for k := range rec.Cells {
			if rec.Cells[k].Workload == rec.Workloads[i].ID {
				rec.Cells[k].Workload = id
			}
		}
		rec.Workloads[i].ID = id
	}
	rec.Comparisons = nil
	return rec
}

func TestRecordsOfAnyShapeAreDrawn(t *testing.T) {
	bare := campaign(small())
	for i := range bare.Cells {
		c := &bare.Cells[i]
		c.Throughput, c.LatencyMS, c.Startup, c.Utilization, c.Calibration, c.Processes = nil, nil, nil, nil, nil, nil
		c.Parity.Checks = nil
	}
	extreme := campaign(small())
	for i := range extreme.Cells {
		for k := range extreme.Cells[i].Parity.Checks {
			extreme.Cells[i].Parity.Checks[k].Value, extreme.Cells[i].Parity.Checks[k].Tolerance = 1e300, 1e-300
		}
	}
	extreme.Terms.Threads, extreme.Workloads[0].MACs = 0, math.MaxInt64
	extreme.Cells[0].Throughput.CIHigh = math.MaxFloat64
	for name, rec := range map[string]*record.Record{"nothing": {}, "extremes": extreme, "bare cells": bare, "workloads only": {Workloads: campaign(small()).Workloads}} {
		t.Run(name, func(t *testing.T) {
			if page := render(t, rec); !strings.Contains(page, "can I believe it?") {
				t.Error("the page asks nothing")
			}
			if page := render(t, rec, rec); !strings.Contains(page, "2 records side by side") {
				t.Error("twice the record is not two")
			}
		})
	}
}
