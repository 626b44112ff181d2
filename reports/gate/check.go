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
	History  *history.History // nil is none, which a baseline's file needs not have
	Baseline string           // name of a baseline of the history, or a file; empty is the history's records of this machine
	Change   string           // what is less is no change, for Rule.WithMinChange; empty is the rule's own
	Machine  string           // name of the machine that the result is of; empty is what the record says
	Branch   string           // the records of this branch are what it is held against; empty is the record's own
	Part     Part             // of a night that several machines measured; the zero value is all of it
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
	baselines, err := q.baselines(ctx)
	if err != nil {
		return nil, err
	}
	if baselines, err = q.ofPart(result.Record, baselines); err != nil {
		return nil, err
	}
	baseline := baselines[0]
	rule, err := q.ruled(StoredRule, result.Record)
	if err != nil {
		return nil, err
	}
	if q.Rerun != nil {
		again, err := q.Rerun(ctx, result.Record, baseline.Record)
		if err != nil {
			return nil, err
		}
		if rule, err = q.ruled(RerunRule, result.Record); err != nil {
			return nil, err
		}
		return Rerun(ctx, result, baseline, rule, again)
	}
	report, err := StoredAmong(ctx, q.past(result.Record), result, baselines, rule)
	var different *DifferentMachineError
	if errors.As(err, &different) {
		return nil, &RefusedError{Err: err}
	}
	return report, err
}

// ruled is a rule with the smallest changes that are asked for, or else with
// those of the result's suite.
func (q Question) ruled(rule Rule, result *record.Record) (Rule, error) {
	rule = q.Part.shared(rule)
	if q.Change == "" {
		return rule.withRecorded(result.MinChange), nil
	}
	rule, err := rule.WithMinChange(q.Change)
	if err != nil {
		return rule, &RefusedError{Err: fmt.Errorf("--min-change %w", err)}
	}
	return rule, nil
}

// past is where a result's nights are found. A directory without a history says
// nothing of how nights differ, and hinders nothing.
func (q Question) past(result *record.Record) Past {
	if q.History == nil || !q.History.Exists() {
		return Past{Part: q.Part}
	}
	line := history.LineOf(result, q.Machine, q.Branch)
	return Past{History: q.History, Line: &line, Part: q.Part}
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
	rule, err := q.ruled(TrendRule, result.Record)
	if err != nil {
		return nil, err
	}
	return Trend(ctx, q.past(result.Record), id, result, rule)
}

// baselines are a file, or the nights of a baseline of the history.
func (q Question) baselines(ctx context.Context) ([]compare.Source, error) {
	name := q.Baseline
	if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
		one, err := source(name)
		return []compare.Source{one}, err
	}
	if q.History == nil {
		return nil, &RefusedError{Err: fmt.Errorf("--baseline %s is not a file, and there is no history", name), Hint: "give its --history"}
	}
	entries, err := q.History.Baseline(ctx, name)
	if err != nil {
		err = fmt.Errorf("--baseline %s is not a file, and %w", name, err)
	}
	var nights []compare.Source
	for _, e := range entries {
		var rec *record.Record
		if rec, _, err = q.History.Read(e); err != nil {
			break
		}
		nights = append(nights, compare.Source{File: name + " (" + e.ID + ")", Record: rec})
	}
	if history.Unusable(err) {
		err = &RefusedError{Err: err}
	}
	return nights, err
}

// source reads a record.
func source(path string) (compare.Source, error) {
	rec, err := summary.Read(path)
	if err != nil {
		return compare.Source{}, &RefusedError{Err: err}
	}
	return compare.Source{File: path, Record: rec}, nil
}
