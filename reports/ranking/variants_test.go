package ranking_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/ranking"
)

const second = 1_000_000_000

// timed is a cell of three processes that all take so many seconds for 100
// iterations; the first one has to compile for ten seconds, if it keeps that.
func timed(runner string, seconds float64, keeps bool) record.Cell {
	c := record.Cell{Workload: workload, Runner: runner, Device: "cpu", Parity: record.Parity{Status: record.ParityPassed}, Status: record.Measured}
	for round := range 3 {
		p := record.Process{Round: round, Status: record.Measured, StartSeconds: 1, WarmupNS: []int64{second, second, second, second},
			Blocks: []record.Block{{Scenario: record.Offline, Iterations: 100, StartNS: second, EndNS: second + int64(seconds*second)}}}
		if keeps {
			p.CompileCache = record.FoundCompiled
			if round == 0 {
				p.CompileCache = record.NothingCompiled
				p.WarmupNS[0] = 11 * second
			}
		}
		c.Processes = append(c.Processes, p)
	}
	return c
}

func TestVariantsTellWhenTheyHavePaid(t *testing.T) {
	rec := &record.Record{Workloads: []record.Workload{{ID: workload, Batch: 8}}, Cells: []record.Cell{
		timed("plain", 1, false), timed("plain+compile", 0.5, true), timed("plain+slow", 2, true), timed("plain+quick", 0.8, false)}}
	summary.Summarize(rec)
	s := ranking.Variants(rec, workload)
	want := [][]string{
		{"plain+compile", "plain", "2.000×", "2.000 – 2.000", "10.0", "0.0", "2,000 steps (2,000 – 2,000)"},
		{"plain+quick", "plain", "1.250×", "1.250 – 1.250", "0.0", "–", "at once"},
		{"plain+slow", "plain", "0.5000×", "0.5000 – 0.5000", "10.0", "0.0", "never"}}
	if diff := cmp.Diff(want, s.Rows); diff != "" || len(s.Header) != len(want[0]) {
		t.Errorf("-want +got:\n%s", diff)
	}
	if sheets := ranking.Sheets(rec, workload); len(sheets) != 1 || sheets[0].Title != s.Title {
		t.Errorf("the sheets are %v", sheets)
	}
	if s := ranking.Variants(rec, "another/infer/b1/fp32"); len(s.Rows) != 0 {
		t.Errorf("a workload without variants has %v", s)
	}

	// A speed that may be below 1 may never pay.
	for i := range rec.Cells[1].Processes {
		p := &rec.Cells[1].Processes[i]
		p.Blocks[0].EndNS = p.Blocks[0].StartNS + int64([]float64{0.5, 0.9, 1.1}[i]*second)
	}
	summary.Summarize(rec)
	if got := fmt.Sprint(ranking.Variants(rec, workload).Rows); !strings.Contains(got, " – never)") {
		t.Errorf("the rows are %s", got)
	}
	rec.Cells[1].Processes[0].Blocks[0].EndNS += 2 * second
	summary.Summarize(rec)
	if got := fmt.Sprint(ranking.Variants(rec, workload).Rows); !strings.Contains(got, "never; at best ") {
		t.Errorf("the rows are %s", got)
	}
}
