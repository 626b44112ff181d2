package gate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/compare"
	"github.com/dlbench/dlbench/reports/history"
	"github.com/dlbench/dlbench/reports/trend"
)

// WeakerTrend has to be said of every verdict from a history.
const WeakerTrend = "A change is looked for in stored records of different nights: it is seen about ten records after it happened, and what else changed on the machine may have made it. A re-run against a baseline (--baseline NAME --rerun) sees it the same night."

// Trend holds a result against the records of its history, in which it has to
// be: a cell is slower if the last change of its series is for the worse. It
// fails when this record is the first to show that.
func Trend(ctx context.Context, h *history.History, id string, result compare.Source, rule Rule) (*Report, error) {
	r := begin(ByTrend, rule, compare.Of(result, result).New)
	r.Weaker = WeakerTrend
	r.finished(result.Record)
	if err := r.sinceLast(ctx, h, id, result); err != nil {
		return nil, err
	}
	for i := range result.Record.Cells {
		cell := &result.Record.Cells[i]
		if !cell.Ranked() || cell.Throughput == nil {
			continue
		}
		of := history.Series{Workload: cell.Workload, Runner: cell.Runner, Metric: history.Throughput, Host: result.Record.Environment.Host}
		line, ok, err := trend.Ending(ctx, h, of, id, longest, rule.P)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, fmt.Errorf("history %s: record %s has no figure for %s on %s", h.Dir(), id, cell.Workload, cell.Runner)
		}
		c := Cell{Workload: cell.Workload, Runner: cell.Runner, Method: ChangePoint, New: cell.Throughput.Median, Old: cell.Throughput.Median, Ratio: 1,
			Stages: []Test{}, Verdict: Unchanged, Warnings: result.Record.CodesAbout(cell)}
		r.series(c, line)
	}
	return r.finish(), nil
}

// sinceLast holds the states of the cells against the record before this one of
// the same suite and machine, if there is one.
func (r *Report) sinceLast(ctx context.Context, h *history.History, id string, result compare.Source) error {
	entries, err := h.List(ctx, history.Filter{Suite: result.Record.Suite, Host: result.Record.Environment.Host})
	if err != nil {
		return err
	}
	for _, e := range entries { // newest first
		if e.ID == id || !e.Created.Before(result.Record.Created) || e.Status != record.Complete {
			continue
		}
		before, _, err := h.Read(e)
		if err != nil {
			return err
		}
		c := compare.Of(compare.Source{File: e.File, Record: before}, result)
		r.Baseline = &c.Old
		r.states(c)
		return nil
	}
	r.reason = fmt.Sprintf("this is the first whole record of suite %s on %s in the history: there is nothing to hold it against", result.Record.Suite, result.Record.Environment.Host)
	r.Next = fmt.Sprintf("measure again, and later nights are held against this one; or name it (dlbench history baseline NAME %s) and give --baseline NAME --rerun, which judges every night by itself", id)
	return nil
}

// fewest is how many records show a change at least: ten on one side of it and
// four on the other.
const fewest = 14

// near is how many records a change may seem to move when another one comes.
const near = 3

// series judges a line by its last change.
func (r *Report) series(c Cell, line trend.Line) {
	values := make([]float64, len(line.Points))
	for i, p := range line.Points {
		values[i] = p.Value
	}
	if len(values) < fewest {
		c.Verdict = Undecided
		r.find(Undecided, c.Workload, c.Runner, "a change is seen in %d records of this machine and these terms at least, there are %d", fewest, len(values))
		r.Cells = append(r.Cells, c)
		return
	}
	if len(line.Changes) == 0 {
		r.Cells = append(r.Cells, c)
		return
	}
	change := line.Changes[len(line.Changes)-1]
	c.Old, c.New, c.Ratio = change.Before, change.After, change.After/change.Before
	c.Stages = []Test{{Pairs: len(values), P: change.P, Ratio: c.Ratio}}
	since := fmt.Sprintf("since %s (record %s)", change.Created.Format("2006-01-02"), change.ID)
	switch verdict := r.Rule.verdict(c.Stages[0]); {
	case verdict == Unchanged:
	case shownBefore(values, change, r.Rule.P):
		if verdict == Slower {
			r.find(SlowerAlready, c.Workload, c.Runner, "throughput %+.1f %% %s", 100*(c.Ratio-1), since)
		}
	default:
		c.Verdict = verdict
		r.find(c.kind(), c.Workload, c.Runner, "throughput %+.1f %% %s, p = %.2g%s", 100*(c.Ratio-1), since, change.P, changed(change))
	}
	r.Cells = append(r.Cells, c)
}

// memory is how many records back a change may have been shown: one that was
// seen, and is weaker the next night, is not told a second time after that.
const memory = 7

// shownBefore says whether the series showed the change before its last record.
func shownBefore(values []float64, change trend.Change, level float64) bool {
	for n := len(values) - 1; n >= max(fewest, len(values)-memory); n-- {
		for _, c := range summary.ChangePoints(values[:n], level) {
			if max(c.Index-change.Index, change.Index-c.Index) <= near && (c.After < c.Before) == (change.After < change.Before) {
				return true
			}
		}
	}
	return false
}

// longest is how many records are looked at, the newest: beyond that, ranks of
// other years tell nothing of tonight.
const longest = 200

// changed are the facts that changed with a record or near it.
func changed(c trend.Change) string {
	var facts []string
	for _, d := range append(slices.Clone(c.Changed), c.Near...) {
		facts = append(facts, fmt.Sprintf("%s %s → %s", d.Fact, d.Before, d.After))
	}
	if len(facts) == 0 {
		return "; the records name nothing that changed then"
	}
	return "; what changed then: " + strings.Join(facts, "; ")
}
