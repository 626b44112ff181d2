package main

import (
	"errors"

	"github.com/dlbench/dlbench/reports/gate"
	"github.com/dlbench/dlbench/reports/nights"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/workloads/names"
)

// The exit codes; docs/commands.md explains them.
const (
	exitDone        = 0
	exitInternal    = 1
	exitUsage       = 2
	exitRegressed   = 3
	exitFailed      = 4
	exitEnvironment = 5
	exitInterrupted = 130
)

// regression is the error that a check with a regression amounts to.
type regression struct{ headline string }

func (r *regression) Error() string { return r.headline }

// exitCode maps an error to the code that scripts see.
func exitCode(err error) int {
	var slower *regression
	var refused *gate.RefusedError
	var unusable *nights.UnusableError
	switch {
	case errors.As(err, &slower):
		return exitRegressed
	case errors.As(err, &refused):
		return exitUsage
	case errors.As(err, &unusable):
		return exitEnvironment
	}
	return map[bench.Kind]int{
		bench.Internal: exitInternal, bench.Usage: exitUsage, bench.Environment: exitEnvironment,
		bench.Failure: exitFailed, bench.Interrupted: exitInterrupted,
	}[bench.KindOf(err)]
}

// hintOf is what would help, as far as an error knows.
func hintOf(err error) string {
	var known *bench.Error
	var refused *gate.RefusedError
	var unusable *nights.UnusableError
	var missing *engine.EnvironmentError
	switch {
	case errors.As(err, &known) && known.Hint != "":
		return known.Hint
	case errors.As(err, &missing) && missing.Hint != "":
		return missing.Hint
	case errors.As(err, &refused) && refused.Hint != "":
		return refused.Hint
	case errors.As(err, &unusable):
		return unusable.Hint
	case errors.As(err, &missing):
		return missing.Hint
	}
	return ""
}

func usage(err error) error { return bench.UsageError(err) }

// unknown refuses a name and offers the nearest ones.
func unknown(what, name string, candidates []string) error {
	return usage(names.Unknown(what, name, candidates))
}
