package reports

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/ranking"
)

// chosenWorkloads is what a record has for a suite when workloads were named one by
// one.
const chosenWorkloads = "custom"

// mostLeads is how many workloads the closing names one by one.
const mostLeads = 4

// Closing is what a run ends with, in three lines: who was fastest, where the
// report is, and what to do next.
func Closing(w io.Writer, rec *record.Record, dir string) error {
	_, err := fmt.Fprintf(w, "fastest  %s\nreport  %s\nnext  %s\n", fastest(rec), filepath.Join(dir, "report.html"), next(rec, dir))
	return err
}

// fastest names each workload's fastest runner with how the next one compares
// to it; of many workloads, in how many each runner leads.
func fastest(rec *record.Record) string {
	var leads []string
	var leaders []string
	counts := map[string]int{}
	for _, workload := range rec.Workloads {
		cells := ranking.Rows(rec, workload.ID)
		if len(cells) == 0 || cells[0].Against == "" {
			continue // nothing is ranked
		}
		first := cells[0].Runner
		lead := workload.ID + ": " + first
		if len(cells) > 1 && cells[1].Against != "" {
			lead += fmt.Sprintf(" (%s %s)", cells[1].Runner, cells[1].Against)
		}
		leads = append(leads, lead)
		if counts[first] == 0 {
			leaders = append(leaders, first)
		}
		counts[first]++
	}
	switch {
	case len(leads) == 0:
		return "nothing is ranked: the table says why"
	case len(leads) <= mostLeads:
		return strings.Join(leads, "; ")
	}
	for i, name := range leaders {
		leaders[i] = fmt.Sprintf("%s in %d", name, counts[name])
	}
	return fmt.Sprintf("of %d workloads: %s", len(leads), strings.Join(leaders, ", "))
}

// next is the command that follows from how a run ended.
func next(rec *record.Record, dir string) string {
	again := "dlbench run --suite " + rec.Suite
	if rec.Suite == "" || rec.Suite == chosenWorkloads {
		again = "the same run with"
	}
	switch {
	case rec.Status != record.Complete:
		return "dlbench run --resume " + dir + " goes on with it"
	case rec.Profile == "quick":
		return again + " --profile report measures until there are intervals and verdicts"
	}
	return "dlbench history add " + filepath.Join(dir, "result.json") + " keeps it, to compare later runs with"
}
