package parity

import (
	"errors"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/protocol"
)

// runnerFault is an error that is the judged runner's own.
type runnerFault struct{ err error }

func (f *runnerFault) Error() string { return f.err.Error() }
func (f *runnerFault) Unwrap() error { return f.err }

// parity turns a fault into a verdict: a refusal is unsupported, anything else
// an error.
func (f *runnerFault) parity() record.Parity {
	var refused *protocol.Error
	if errors.As(f.err, &refused) && refused.Lacking() {
		return record.Parity{Status: record.ParityUnsupported, Reason: refused.Message, Checks: []record.Check{}}
	}
	return record.Parity{Status: record.ParityError, Reason: f.err.Error(), Checks: []record.Check{}}
}

// lasting says whether a later run would find the same: a missing operator
// stays missing, while a driver comes back and memory is freed.
func (f *runnerFault) lasting() bool {
	var refused *protocol.Error
	return errors.As(f.err, &refused) && refused.Code == protocol.Unsupported
}

// firstWords keeps an exception's text readable.
func firstWords(text string) string {
	text, _, _ = strings.Cut(text, "\n")
	if words := []rune(text); len(words) > 160 {
		return string(words[:160]) + "…"
	}
	return text
}
