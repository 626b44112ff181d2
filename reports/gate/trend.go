package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/compare"
	"github.com/dlbench/dlbench/reports/history"
)

// WeakerTrend has to be said of every verdict from a history.
const WeakerTrend = "The nights of a history were measured at different times: what else changed on the machine may have made a change, and a small one takes several nights to be seen. A re-run against a baseline (--baseline NAME --rerun) sees it the same night."

// Trend holds a result against the nights of its history: a cell is slower if it
// left the level of the nights before. It fails on the first night that shows
// that.
func Trend(ctx context.Context, past Past, id string, result compare.Source, rule Rule) (*Report, error) {
	own := compare.Of(result, result)
	r := begin(ByTrend, rule, own.New)
	r.Weaker = WeakerTrend
	r.finished(result.Record)
	if past.History == nil {
		return nil, errors.New("hold a result against its history: there is none")
	}
	if err := r.sinceLast(ctx, past, id, result); err != nil {
		return nil, err
	}
	s := &courses{Report: r, result: result.Record, left: leftOut{}}
	for i := range own.Cells {
		c := own.Cells[i]
		if c.Verdict == compare.NotRanked {
			continue
		}
		c.Warnings = result.Record.CodesAbout(result.Record.Cell(c.Workload, c.Runner))
		if err := s.collect(ctx, past, c); err != nil {
			return nil, err
		}
	}
	if err := s.judge(nil); err != nil {
		return nil, err
	}
	r.LeftOut = s.left.words()
	return r.finish(), nil
}

// sinceLast holds the states of the cells against the record before this one of
// the same suite, machine and branch, if there is one.
func (r *Report) sinceLast(ctx context.Context, past Past, id string, result compare.Source) error {
	before, err := past.before(ctx, id, result.Record)
	if err != nil {
		return err
	}
	if len(before) > 0 {
		c := compare.Of(past.Part.expected(result.Record, before), result)
		r.Baseline = &c.Old
		r.states(c)
		return nil
	}
	line := past.lineOf(result.Record)
	r.reason = fmt.Sprintf("this is the first whole record of suite %s on %s in the history: there is nothing to hold it against", result.Record.Suite, line)
	r.Next = fmt.Sprintf("measure again, and later nights are held against this one; or name it (dlbench history baseline NAME %s) and give --baseline NAME --rerun, which judges every night by itself", id)
	return nil
}

// before is the whole record before a result; of a part that has some of the
// night's workloads, those that have one of them, each workload's newest.
func (p Past) before(ctx context.Context, id string, result *record.Record) ([]compare.Source, error) {
	line := p.lineOf(result)
	filters := []history.Filter{{Suite: result.Suite, Line: &line}}
	if p.Part.Dealt {
		filters = nil
		for _, w := range result.Workloads {
			filters = append(filters, history.Filter{Suite: result.Suite, Line: &line, Workload: w.ID})
		}
	}
	var found []history.Entry
	for _, f := range filters {
		entries, err := p.History.List(ctx, f) // newest first
		if err != nil {
			return nil, err
		}
		i := slices.IndexFunc(entries, func(e history.Entry) bool {
			return e.ID != id && e.Created.Before(result.Created) && e.Status == record.Complete
		})
		if i >= 0 && !slices.ContainsFunc(found, func(e history.Entry) bool { return e.ID == entries[i].ID }) {
			found = append(found, entries[i])
		}
	}
	slices.SortStableFunc(found, func(a, b history.Entry) int { return b.Created.Compare(a.Created) })
	var before []compare.Source
	for _, e := range found {
		rec, _, err := p.History.Read(e)
		if err != nil {
			return nil, err
		}
		before = append(before, compare.Source{File: e.File, Record: rec})
	}
	return before, nil
}
