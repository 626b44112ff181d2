package html

import (
	"fmt"
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/ranking"
)

// view is one record, worded for the template.
type view struct {
	*record.Record
	Prefix    string // of anchors: empty where the page has one record
	Letter    string // of the record among several
	Banner    string // what has to be said before everything else
	Interval  string // what stands beside the medians
	Trust     []string
	Workloads []*workloadView
	Answers   *grid // a line a workload, where there are several
	Overall   *grid
	NotRanked *grid
	Warnings  []warningView
	Batches   []*chart
	Roofline  *chart
	PeakNote  string
	Terms     *grid
	Machine   *grid

	marks   *marks
	anchors anchors
}

func newView(rec *record.Record, letter, prefix string, m *marks, a anchors) *view {
	v := &view{Record: rec, Prefix: prefix, Letter: letter, Banner: banner(rec), Interval: ranking.IntervalName(rec), marks: m, anchors: a}
	for _, taken := range []string{"answer", "warnings", "workloads", "scaling", "roof", "roofline", "terms", "machine"} {
		a.unique(prefix + taken)
	}
	for _, w := range rec.Workloads {
		v.Workloads = append(v.Workloads, newWorkloadView(v, w))
	}
	v.Warnings = warningViews(rec, prefix)
	v.Trust = trust(v)
	v.Answers, v.Overall, v.NotRanked = answersTable(v), overallTable(v), notRankedTable(v)
	v.Batches = batchCharts(v)
	v.Roofline, v.PeakNote = rooflineChart(v), peakWords(rec.Environment.Peak)
	v.Terms, v.Machine = termsTable(v), machineTable(v)
	return v
}

func banner(rec *record.Record) string {
	switch rec.Status {
	case record.Running:
		return fmt.Sprintf("This run is not finished: %d rounds are in. If no dlbench is at work on it any more, it was killed.", rec.Rounds)
	case record.Interrupted:
		return fmt.Sprintf("This run was interrupted after %d rounds.", rec.Rounds)
	}
	return ""
}

// modes are those of the record's workloads, in their order.
func (v *view) modes() []string {
	var modes []string
	for _, w := range v.Record.Workloads {
		if !slices.Contains(modes, w.Mode) {
			modes = append(modes, w.Mode)
		}
	}
	return modes
}

// answersTable is a line a workload; nil where the record has only one, whose
// ranking says it all.
func answersTable(v *view) *grid {
	if len(v.Workloads) < 2 {
		return nil
	}
	g := newGrid(v.Prefix+"answers-table", "The answer for every workload", "workload", "answer", "#ranked", "#not ranked")
	for _, w := range v.Workloads {
		ranked := 0
		for _, c := range w.Cells {
			if c.Ranked() {
				ranked++
			}
		}
		g.add(-1, cell{Text: w.ID, Href: "#" + w.Anchor}, cell{Text: w.Headline, Class: "long"}, count(ranked), count(len(w.Cells)-ranked))
		g.Rows[len(g.Rows)-1].Class = w.FilterClass()
	}
	return g
}

// notRankedTable is every cell that is not ranked, with the reason; nil where
// all are.
func notRankedTable(v *view) *grid {
	g := newGrid(v.Prefix+"not-ranked-table", "Not ranked, and why", "runner", "workload", "state", "reason")
	for _, w := range v.Workloads {
		for _, c := range w.Cells {
			if c.Ranked() {
				continue
			}
			g.add(c.Mark, c.named(), cell{Text: w.ID, Href: "#" + w.Anchor}, text(stateWords[c.Cell.Status]), cell{Text: c.Reason, Class: "long"})
			g.Rows[len(g.Rows)-1].Class = w.FilterClass()
		}
	}
	if len(g.Rows) == 0 {
		return nil
	}
	return g
}

var stateWords = map[string]string{record.Measured: "measured", record.NotRanked: "not ranked", record.Unsupported: "unsupported",
	record.Failed: "failed", record.Pending: "not measured yet"}
