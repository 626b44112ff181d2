package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/session"
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

// exitError carries an exit code and, where there is one, the command that
// would help.
type exitError struct {
	code int
	err  error
	hint string
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

func usage(err error) error { return &exitError{code: exitUsage, err: err} }

func lackingHere(err error, hint string) error {
	return &exitError{code: exitEnvironment, err: err, hint: hint}
}

func failed(format string, args ...any) error {
	return &exitError{code: exitFailed, err: fmt.Errorf(format, args...)}
}

// unknown refuses a name and offers the nearest ones.
func unknown(what, name string, candidates []string) error {
	return usage(names.Unknown(what, name, candidates))
}

// exitCode maps an error to the code that scripts see.
func exitCode(err error) int {
	var exit *exitError
	var lacking *engine.EnvironmentError
	var mistyped *names.UnknownError
	var broken *session.Failure
	switch {
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &exit):
		return exit.code
	case errors.As(err, &mistyped):
		return exitUsage
	case errors.As(err, &lacking):
		return exitEnvironment
	case errors.Is(err, syscall.ENOSPC):
		return exitEnvironment
	case errors.As(err, &broken):
		return exitFailed
	default:
		return exitInternal
	}
}
