package gate

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/compare"
	"github.com/dlbench/dlbench/reports/history"
)

// Question says what a result is held against, and how.
type Question struct {
	History  *history.History
	Baseline string   // name of a baseline of the history, or a file; empty is the history's records of this machine
	Change   *float64 // a smaller share is no change; nil is the rule's own
	// Rerun measures both sides again; nil compares what is stored. It is closed
	// by whoever made it.
	Rerun func(ctx context.Context, result, baseline *record.Record) (Rerunner, error)
}

// RefusedError says that the question cannot be asked, and what would help.
type RefusedError struct {
	Err  error
	Hint string
}

func (e *RefusedError) Error() string { return e.Err.Error() }
func (e *RefusedError) Unwrap() error { return e.Err }

// Check holds a result against what is asked.
func Check(ctx context.Context, path string, q Question) (*Report, error) {
	result, err := source(path)
	if err != nil {
		return nil, err
	}
	if q.Baseline == "" {
		if q.Rerun != nil {
			return nil, &RefusedError{Err: errors.New("check --rerun: give the --baseline that is to be measured again")}
		}
		return q.trend(ctx, result)
	}
	baseline, err := q.baseline(ctx)
	if err != nil {
		return nil, err
	}
	if q.Rerun != nil {
		again, err := q.Rerun(ctx, result.Record, baseline.Record)
		if err != nil {
			return nil, err
		}
		return Rerun(ctx, result, baseline, q.ruled(RerunRule), again)
	}
	report, err := Stored(result, baseline, q.ruled(StoredRule))
	var different *DifferentMachineError
	if errors.As(err, &different) {
		return nil, &RefusedError{Err: err}
	}
	return report, err
}

// ruled is a rule with the smallest change that is asked for.
func (q Question) ruled(rule Rule) Rule {
	if q.Change != nil {
		rule.Change = *q.Change
	}
	return rule
}

func (q Question) trend(ctx context.Context, result compare.Source) (*Report, error) {
	data, err := os.ReadFile(result.File)
	if err != nil {
		return nil, err
	}
	id, err := history.Identify(data)
	if err != nil {
		return nil, err
	}
	if _, err := q.History.Find(ctx, id); err != nil {
		var absent *history.Refusal
		if errors.As(err, &absent) {
			return nil, &RefusedError{Err: fmt.Errorf("check %s: without --baseline it is held against the history %s, which lacks it", result.File, q.History.Dir()),
				Hint: "dlbench history add " + result.File}
		}
		return nil, err
	}
	return Trend(ctx, q.History, id, result, q.ruled(TrendRule))
}

// baseline is a file, or a baseline of the history.
func (q Question) baseline(ctx context.Context) (compare.Source, error) {
	name := q.Baseline
	if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
		return source(name)
	}
	e, err := q.History.Baseline(ctx, name)
	if err != nil {
		err = fmt.Errorf("--baseline %s is not a file, and %w", name, err)
	}
	var rec *record.Record
	if err == nil {
		rec, _, err = q.History.Read(e)
	}
	if history.Unusable(err) {
		err = &RefusedError{Err: err}
	}
	return compare.Source{File: name + " (" + e.ID + ")", Record: rec}, err
}

// source reads a record.
func source(path string) (compare.Source, error) {
	rec, err := summary.Read(path)
	if err != nil {
		return compare.Source{}, &RefusedError{Err: err}
	}
	return compare.Source{File: path, Record: rec}, nil
}
