package gate

import (
	"context"
	"errors"
	"fmt"

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
	line := past.lineOf(result.Record)
	entries, err := past.History.List(ctx, history.Filter{Suite: result.Record.Suite, Line: &line})
	if err != nil {
		return err
	}
	for _, e := range entries { // newest first
		if e.ID == id || !e.Created.Before(result.Record.Created) || e.Status != record.Complete {
			continue
		}
		before, _, err := past.History.Read(e)
		if err != nil {
			return err
		}
		c := compare.Of(compare.Source{File: e.File, Record: before}, result)
		r.Baseline = &c.Old
		r.states(c)
		return nil
	}
	r.reason = fmt.Sprintf("this is the first whole record of suite %s on %s in the history: there is nothing to hold it against", result.Record.Suite, line)
	r.Next = fmt.Sprintf("measure again, and later nights are held against this one; or name it (dlbench history baseline NAME %s) and give --baseline NAME --rerun, which judges every night by itself", id)
	return nil
}
