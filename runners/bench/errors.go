package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/images"
	"github.com/dlbench/dlbench/runners/session"
	"github.com/dlbench/dlbench/workloads/names"
	"github.com/dlbench/dlbench/workloads/plan"
)

// Kind is what an error means to the caller.
type Kind int

// The kinds of errors.
const (
	Internal    Kind = iota // a defect of the program
	Usage                   // the request, or a file that it names, is wrong
	Environment             // this machine cannot do what was asked
	Failure                 // a runner failed, or did not pass parity
	Interrupted             // the context was cancelled; what there is was saved
)

// Error is an error of a known kind and, if there is one, the command or the
// change that would help.
type Error struct {
	Kind Kind
	Err  error
	Hint string
}

func (e *Error) Error() string { return e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// UsageError says that the request is wrong.
func UsageError(err error) error { return &Error{Kind: Usage, Err: err} }

// EnvironmentError says that this machine lacks something, and what would help.
func EnvironmentError(err error, hint string) error {
	return &Error{Kind: Environment, Err: err, Hint: hint}
}

// Failed says that runners failed.
func Failed(format string, args ...any) error {
	return &Error{Kind: Failure, Err: fmt.Errorf(format, args...)}
}

// KindOf is the kind of any error that this package and those below it return.
func KindOf(err error) Kind {
	var known *Error
	var missing *engine.EnvironmentError
	var mistyped *names.UnknownError
	var broken *session.Failure
	var wrong *images.InputError
	var full *plan.NoRoomError
	switch {
	case errors.Is(err, context.Canceled):
		return Interrupted
	case errors.As(err, &known):
		return known.Kind
	case errors.As(err, &mistyped), errors.As(err, &wrong):
		return Usage
	case errors.As(err, &missing), errors.As(err, &full), record.Full(err):
		return Environment
	case errors.As(err, &broken):
		return Failure
	default:
		return Internal
	}
}

// Besides is what an error says beside that the context was cancelled: of errors
// that were joined, those that have another cause.
func Besides(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var others []error
		for _, each := range joined.Unwrap() {
			others = append(others, Besides(each))
		}
		return errors.Join(others...)
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// unknown refuses a name and offers the nearest ones.
func unknown(what, name string, candidates []string) error {
	return UsageError(names.Unknown(what, name, candidates))
}
