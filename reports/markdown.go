package reports

import (
	"io"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/ranking"
	"github.com/dlbench/dlbench/reports/table"
)

// Markdown writes summary.md: the facts of the terminal's table, for pages
// that render Markdown.
func Markdown(w io.Writer, rec *record.Record) error {
	p := &printer{w: w}
	p.printf("# dlbench: suite %s\n\n", plain(rec.Suite))
	p.printf("%s, status %s, profile %s, %d rounds, seed %d, dlbench %s.\n\n", rec.Created.Format("2006-01-02 15:04 MST"), rec.Status, rec.Profile, rec.Rounds, rec.Seed, plain(rec.DlbenchVersion))
	for _, workload := range rec.Workloads {
		p.printf("## %s\n\n", plain(workload.ID))
		p.row("runner", "version", "images/s", ranking.IntervalName(rec), "against fastest", "p50 ms", "p90 ms", "CPU %", "memory", "parity", "notes")
		p.row("---", "---", "---:", "---", "---", "---:", "---:", "---:", "---:", "---", "---")
		for _, r := range ranking.Rows(rec, workload.ID) {
			p.row(r.Runner, r.Version, r.Throughput, r.Interval, r.Against, r.P50, r.P90, r.CPU, r.Memory, r.Parity, r.Notes)
		}
		p.printf("\n")
		for _, s := range ranking.Scenarios(rec, workload.ID) {
			p.sheetRows("### ", s)
		}
	}
	if overall := ranking.Overall(rec); len(overall.Rows) > 0 {
		p.sheetRows("## ", overall)
	}
	if len(rec.Warnings) > 0 {
		p.printf("## Warnings\n\n")
		for _, warning := range rec.Warnings {
			p.printf("- **%s** (%s): %s\n", plain(warning.Code), plain(warning.Scope), plain(warning.Text))
		}
		p.printf("\n")
	}
	e := rec.Environment
	p.printf("## Terms and machine\n\n")
	p.printf("- device %s, %d threads on CPUs %s, memory limit %s\n", plain(rec.Terms.Device), rec.Terms.Threads, plain(rec.Terms.CPUs), table.Bytes(rec.Terms.MemoryBytes))
	p.printf("- %s, %d logical CPUs, %s memory, %s, kernel %s\n", plain(e.CPU), e.LogicalCPUs, table.Bytes(e.MemoryBytes), plain(e.OS), plain(e.Kernel))
	p.printf("- engine %s %s\n", plain(e.Engine), plain(e.EngineVersion))
	for _, r := range rec.Runners {
		p.printf("- %s: %s %s (%s), %s, %s, %d threads\n", plain(r.Name), plain(r.Framework), plain(r.FrameworkVersion), plain(r.State()), plain(r.Terms.Layout), plain(r.Terms.Execution), r.Terms.Threads)
	}
	return p.err
}

// sheetRows writes a sheet under a heading.
func (p *printer) sheetRows(level string, s ranking.Sheet) {
	p.printf("%s%s\n\n", level, plain(s.Title))
	p.row(s.Header...)
	p.printf("|%s\n", strings.Repeat(" --- |", len(s.Header)))
	for _, row := range s.Rows {
		p.row(row...)
	}
	p.printf("\n")
}

func (p *printer) row(cells ...string) {
	escaped := make([]string, len(cells))
	for i, c := range cells {
		escaped[i] = plain(c)
	}
	p.printf("| %s |\n", strings.Join(escaped, " | "))
}

// plain takes the meaning from what Markdown and HTML would read as markup.
var plain = strings.NewReplacer("|", `\|`, "<", "&lt;", ">", "&gt;", "&", "&amp;", "*", `\*`, "`", "\\`", "[", `\[`, "]", `\]`, "\n", " ", "\r", " ").Replace
