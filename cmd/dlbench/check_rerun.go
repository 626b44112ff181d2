package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
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

// judge holds a result against what is asked. An error beside a report is of what
// could not be written.
func (k checking) judge(ctx context.Context, g *progress, result, out string) (report *gate.Report, err error) {
	if k.rerun {
		var dir *claimed
		if dir, err = claimRun(checkDir(result, out), true); err != nil {
			return nil, err
		}
		defer dir.release()
		var again *bench.Remeasuring
		kept := stageFiles{}
		defer func() {
			if err = errors.Join(err, kept.lost()); again != nil {
				err = errors.Join(err, again.Close(ctx))
			}
		}()
		k.Rerun = func(ctx context.Context, now, baseline *record.Record) (gate.Rerunner, error) {
			var err error
			k.setup.Progress = g
			again, err = bench.Remeasure(ctx, bench.Sides{Setup: k.setup, Result: now, Baseline: baseline, BaselineName: gate.BaselineName,
				Budget: k.budget, Dir: checkDir(result, out), Save: kept.save})
			return stages{again}, err
		}
	}
	return gate.Check(ctx, result, k.Question)
}

// stageFiles are directories of stages, and why their records could not be kept
// there. What is measured is judged all the same: nobody goes on with a stage.
type stageFiles map[string]error

func (f stageFiles) save(dir string, rec *record.Record) error {
	f[dir] = reports.Save(dir, rec)
	return nil
}

// lost is the error of the records that are not there in the end.
func (f stageFiles) lost() error {
	var all []error
	for _, dir := range slices.Sorted(maps.Keys(f)) {
		if f[dir] != nil {
			all = append(all, bench.EnvironmentError(fmt.Errorf("keep what was measured again in %s: %w", dir, f[dir]), "make room, or give an --out that can be written"))
		}
	}
	return errors.Join(all...)
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
