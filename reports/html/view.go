package html

import (
	"fmt"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/ranking"
)

// view is one record, worded for the template.
type view struct {
	*record.Record
	Prefix    string // of anchors: empty if the page has one record
	Letter    string // of the record among several
	Banner    string // what has to be said before everything else
	Interval  string // what stands beside the medians
	Trust     []string
	Workloads []*workloadView
	Answers   *grid // a line a workload, if there are several
	Overall   *grid
	NotRanked *grid
	Warnings  []warningView
	Batches   []*chart
	Speedups  []*chart
	Roofline  *chart
	Terms     *grid
	Machine   *grid

	marks   *marks
	anchors anchors
}

func newView(rec *record.Record, letter, prefix string, m *marks, a anchors) *view {
	v := &view{Record: rec, Prefix: prefix, Letter: letter, Banner: banner(rec), Interval: ranking.IntervalName(rec), marks: m, anchors: a}
	for _, taken := range []string{"answer", "warnings", "workloads", "scaling", "threads", "roof", "roofline", "terms", "machine"} {
		a.unique(prefix + taken)
	}
	for _, w := range rec.Workloads {
		v.Workloads = append(v.Workloads, newWorkloadView(v, w))
	}
	v.Warnings = warningViews(rec, prefix)
	v.Trust = trust(v)
	v.Answers, v.Overall, v.NotRanked = answersTable(v), overallTable(v), notRankedTable(v)
	v.Batches, v.Speedups = batchCharts(v), speedupCharts(v)
	v.Roofline = rooflineChart(v)
	v.Terms, v.Machine = termsTable(v), machineTable(v)
	return v
}

// Named begins the headings of a record among several.
func (v *view) Named() string {
	if v.Prefix == "" {
		return ""
	}
	return v.Letter + ": "
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

// answersTable is a line a workload; nil if the record has only one, whose
// ranking says it all.
func answersTable(v *view) *grid {
	if len(v.Workloads) < 2 {
		return nil
	}
	g := newGrid(v.Prefix+"answers-table", "The answer for every workload", "workload", "fastest", "#images/s", v.Interval, "next", "#ahead by", "its "+map[bool]string{true: "range", false: "interval"}[v.Interval == "range"], "verdict", "#ranked")
	for _, w := range v.Workloads {
		g.Rows = append(g.Rows, row{Runner: -1, Class: w.FilterClass(), Cells: w.answer()})
	}
	return g
}

// answer is the workload's line: the fastest runner, and the ratio to the next.
func (w *workloadView) answer() []cell {
	line := []cell{{Text: w.ID, Href: "#" + w.Anchor + "-ranking"}, text("nothing is ranked"), {}, {}, {}, {}, {}, {}, {}}
	var ranked []cellView
	for _, c := range w.Cells {
		if c.Ranked() {
			ranked = append(ranked, c)
		}
	}
	line[8] = cell{Text: fmt.Sprintf("%d of %d", len(ranked), len(w.Cells))}
	if len(ranked) == 0 || ranked[0].Cell.Throughput == nil {
		return line
	}
	first := ranked[0]
	line[1], line[2], line[3] = w.short(first), cell{Text: first.Row.Throughput, Value: &first.Cell.Throughput.Median}, text(first.Row.Interval)
	if len(ranked) < 2 {
		return line
	}
	next := ranked[1]
	line[4] = w.short(next)
	if c, ok := w.rec.Comparison(w.ID, first.Cell.Runner, next.Cell.Runner); ok {
		line[5], line[6], line[7] = cell{Text: ranking.Times(c.Ratio), Value: &c.Ratio}, text(ranking.RatioSpan(c.CILow, c.CIHigh)), text(c.Verdict)
	}
	return line
}

// short is a runner for places with little room: no version, and of its warnings
// only the sign is seen.
func (w *workloadView) short(c cellView) cell {
	return cell{Text: c.Cell.Runner, Mark: markClass(c.Mark), Mentions: w.mentions(c.Cell, aboutThroughput), Class: "compact"}
}

// notRankedTable is every cell that is not ranked, with the reason; cells of a
// runner with the same reason share a line. Nil if all are ranked.
func notRankedTable(v *view) *grid {
	g := newGrid(v.Prefix+"not-ranked-table", "Not ranked, and why", "runner", "why", "where")
	where := map[string][]string{}
	for _, w := range v.Workloads {
		for _, c := range w.Cells {
			if c.Ranked() {
				continue
			}
			key := c.Cell.Runner + "\x00" + c.why()
			if where[key] == nil {
				g.add(c.Mark, cell{Text: c.Cell.Runner, Mark: markClass(c.Mark)}, cell{Text: c.why(), Class: "long"}, cell{Text: key, Class: "long"})
			}
			where[key] = append(where[key], w.ID)
		}
	}
	for i := range g.Rows {
		place := &g.Rows[i].Cells[2]
		ids := where[place.Text]
		place.Text = strings.Join(ids, ", ")
		if len(ids) == len(v.Workloads) {
			place.Text = "everywhere"
		}
	}
	if len(g.Rows) == 0 {
		return nil
	}
	return g
}

var stateWords = map[string]string{record.Measured: "measured", record.NotRanked: "not ranked", record.Unsupported: "unsupported",
	record.Failed: "failed", record.Pending: "not measured yet"}
