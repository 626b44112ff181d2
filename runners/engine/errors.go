package engine

import "strings"

// EnvironmentError says that this machine cannot do what was asked, and what
// would help.
type EnvironmentError struct {
	Text string
	Hint string // a command, or empty
	Log  string // the last lines of what failed, or empty
	Err  error  // the cause, if the system has a name for it
}

// Unwrap returns the cause.
func (e *EnvironmentError) Unwrap() error { return e.Err }

func (e *EnvironmentError) Error() string {
	if e.Log == "" {
		return e.Text
	}
	return e.Text + "; its output ends:\n  " + strings.ReplaceAll(strings.TrimSpace(e.Log), "\n", "\n  ")
}
