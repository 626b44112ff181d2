package main

import (
	"context"
	"errors"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports"
	"github.com/dlbench/dlbench/reports/gate"
	"github.com/dlbench/dlbench/runners/bench"
)

// checking is a question about a result, and how both sides are measured again.
type checking struct {
	gate.Question
	rerun  bool
	budget time.Duration // of measuring again; 0 is none
	setup  bench.Setup
}

// judge holds a result against what is asked.
func (k checking) judge(ctx context.Context, g *progress, result, out string) (report *gate.Report, err error) {
	if k.rerun {
		var again *bench.Remeasuring
		defer func() {
			if again != nil {
				err = errors.Join(err, again.Close(ctx))
			}
		}()
		k.Rerun = func(ctx context.Context, now, baseline *record.Record) (gate.Rerunner, error) {
			var err error
			k.setup.Progress = g
			again, err = bench.Remeasure(ctx, bench.Sides{Setup: k.setup, Result: now, Baseline: baseline, BaselineName: gate.BaselineName,
				Budget: k.budget, Dir: checkDir(result, out), Save: reports.Save})
			return stages{again}, err
		}
	}
	return gate.Check(ctx, result, k.Question)
}

// stages lets the gate have cells measured again.
type stages struct{ *bench.Remeasuring }

// Stage measures pairs.
func (s stages) Stage(ctx context.Context, number, pairs int, cells []gate.Pair) (*record.Record, error) {
	wanted := make([]bench.RecordedCell, len(cells))
	for i, c := range cells {
		wanted[i] = bench.RecordedCell(c)
	}
	return s.Remeasuring.Stage(ctx, number, pairs, wanted)
}
