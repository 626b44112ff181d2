package session

import (
	"fmt"
	"strings"

	"github.com/dlbench/dlbench/runners/engine"
)

// Kind says how a session broke.
type Kind string

// The kinds of failure.
const (
	NotStarted        Kind = "not_started"        // the engine could not start the process
	Exited            Kind = "exited"             // the process ended in the middle of a request
	OutOfMemory       Kind = "out_of_memory"      // the process was killed by its memory limit
	TimedOut          Kind = "timed_out"          // no reply before the deadline
	ProtocolViolation Kind = "protocol_violation" // the reply was not one of the protocol
	Cancelled         Kind = "cancelled"          // the harness was asked to stop
	WrongDevice       Kind = "wrong_device"       // it computes on another device than it was given
)

// Failure ends a session: the process is gone or cannot be trusted any more.
// A refusal that leaves the session usable is a *protocol.Error instead.
type Failure struct {
	Kind    Kind
	Runner  string
	Request string
	Detail  string
	LogTail string // the end of the runner's log
	Err     error
}

// Error is one line; the runner's log follows in LogTail.
func (f *Failure) Error() string {
	text := fmt.Sprintf("runner %q: %s: %s", f.Runner, f.Request, f.Detail)
	if last := lastLine(f.LogTail); last != "" {
		text += fmt.Sprintf(" (its log ends: %s)", last)
	}
	return text
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

func lastLine(log string) string {
	lines := strings.Split(strings.TrimSpace(log), "\n")
	last := strings.TrimSpace(lines[len(lines)-1])
	const most = 200
	if len(last) > most {
		last = "…" + last[len(last)-most:]
	}
	return last
}

// describeExit says how a process ended, for people.
func describeExit(exit engine.Exit, memoryLimit int64) (Kind, string) {
	switch {
	case exit.OOMKilled && memoryLimit > 0:
		return OutOfMemory, fmt.Sprintf("killed by its memory limit of %.1f GiB", float64(memoryLimit)/(1<<30))
	case exit.OOMKilled:
		return OutOfMemory, "killed because memory ran out"
	case exit.Signal != "":
		return Exited, "ended by " + exit.Signal
	default:
		return Exited, fmt.Sprintf("ended with exit status %d before it replied", exit.Code)
	}
}
