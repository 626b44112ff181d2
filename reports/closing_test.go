package reports_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/record/recordtest"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports"
	"github.com/dlbench/dlbench/reports/ranking"
)

func TestARunEndsWithThreeLines(t *testing.T) {
	closing := func(rec *record.Record) []string {
		t.Helper()
		var out bytes.Buffer
		if err := reports.Closing(&out, rec, "results/x"); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		if len(lines) != 3 || lines[1] != "report  results/x/report.html" {
			t.Fatalf("the closing is %q", lines)
		}
		return lines
	}
	simulated := func(workloads int) *record.Record {
		rec := recordtest.Simulation{Seed: 3, Modes: []string{"infer"}, Workloads: workloads, Runners: 3, Rounds: 8, Noise: 0.002}.Record()
		summary.Summarize(rec)
		rec.Suite, rec.Status, rec.Profile = "smoke", record.Complete, "quick"
		return rec
	}
	rec := simulated(2)
	got := closing(rec)
	for _, w := range rec.Workloads {
		rows := ranking.Rows(rec, w.ID)
		want := fmt.Sprintf("%s: %s (%s %s)", w.ID, rows[0].Runner, rows[1].Runner, rows[1].Against)
		if !strings.Contains(got[0], want) || !strings.Contains(want, "×, ") {
			t.Errorf("the first line is %q, want %q in it", got[0], want)
		}
	}
	if want := "next  dlbench run --suite smoke --profile report measures until there are intervals and verdicts"; got[2] != want {
		t.Errorf("the last line is %q, want %q", got[2], want)
	}
	rec.Suite = "custom"
	if got, want := closing(rec)[2], "next  the same run with --profile report measures until there are intervals and verdicts"; got != want {
		t.Errorf("without a suite the last line is %q, want %q", got, want)
	}
	rec.Profile = "report"
	if got := closing(rec); !strings.Contains(got[2], "dlbench history add results/x/result.json") {
		t.Errorf("after a whole run: %q", got[2])
	}
	rec.Status = record.Interrupted
	if got := closing(rec); !strings.Contains(got[2], "dlbench run --resume results/x") {
		t.Errorf("after an interruption: %q", got[2])
	}
	if got := closing(simulated(6))[0]; !strings.HasPrefix(got, "fastest  of 6 workloads: ") || strings.Contains(got, "(") {
		t.Errorf("of many workloads: %q", got)
	}
	for i := range rec.Cells {
		rec.Cells[i].Status, rec.Cells[i].Throughput = record.Unsupported, nil
	}
	if got := closing(rec)[0]; got != "fastest  nothing is ranked: the table says why" {
		t.Errorf("of none: %q", got)
	}
}
