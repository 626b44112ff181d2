package reports

import (
	"fmt"
	"io"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/markdown"
	"github.com/dlbench/dlbench/reports/ranking"
	"github.com/dlbench/dlbench/reports/table"
)

// Markdown writes summary.md: the facts of the terminal's table, for pages
// that render Markdown.
func Markdown(w io.Writer, rec *record.Record) error {
	out := markdown.New(w)
	out.Heading(1, "dlbench: suite "+rec.Suite)
	out.Paragraph("%s, status %s, profile %s, %d rounds, seed %d, dlbench %s.", rec.Created.Format("2006-01-02 15:04 MST"), rec.Status, rec.Profile, rec.Rounds, rec.Seed, rec.DlbenchVersion)
	for _, workload := range rec.Workloads {
		out.Heading(2, workload.ID)
		ranked := ranking.Ranked(workload.ID, ranking.IntervalName(rec), ranking.Rows(rec, workload.ID))
		out.Table(ranked.Header, ranked.Rows, ranking.RankedNumbers()...)
		for _, s := range ranking.Sheets(rec, workload.ID) {
			out.Heading(3, s.Title)
			out.Table(s.Header, s.Rows)
		}
	}
	if overall := ranking.Overall(rec.Overall); len(overall.Rows) > 0 {
		out.Heading(2, overall.Title)
		out.Table(overall.Header, overall.Rows)
	}
	if len(rec.Warnings) > 0 {
		out.Heading(2, "Warnings")
		var items []markdown.Item
		for _, warning := range rec.Warnings {
			items = append(items, markdown.Item{Name: warning.Code, Text: fmt.Sprintf("(%s): %s", warning.Scope, warning.Text)})
		}
		out.List(items...)
	}
	out.Heading(2, "Terms and machine")
	out.List(conditions(rec)...)
	return out.Err()
}

// conditions are the terms, the machine and the runners.
func conditions(rec *record.Record) []markdown.Item {
	e := rec.Environment
	var items []markdown.Item
	add := func(format string, args ...any) {
		items = append(items, markdown.Item{Text: fmt.Sprintf(format, args...)})
	}
	add("device %s, %s on CPUs %s, memory limit %s", rec.Terms.Device, rec.ThreadsText(), rec.Terms.CPUs, table.Bytes(rec.Terms.MemoryBytes))
	add("%s, %d logical CPUs, %s memory, %s, kernel %s", e.CPU, e.LogicalCPUs, table.Bytes(e.MemoryBytes), e.OS, e.Kernel)
	add("engine %s %s", e.Engine, e.EngineVersion)
	for _, line := range ranking.Peaks(rec) {
		add("%s", line)
	}
	if len(rec.Workloads) > 0 {
		add("inputs are %s", rec.InputsText())
	}
	for _, r := range rec.Runners {
		add("%s: %s %s (%s), %s, %s, %s threads", r.Name, r.Framework, r.FrameworkVersion, r.State(), r.Terms.Layout, r.Terms.Execution, r.Terms.ThreadsText())
	}
	return items
}
