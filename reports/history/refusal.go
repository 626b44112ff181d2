package history

import "fmt"

// Refusal is an error of what was asked for: a name that is not there, a file
// that is no record. It is one line that says so.
type Refusal struct{ text string }

func (r *Refusal) Error() string { return r.text }

func refusal(format string, args ...any) error {
	return &Refusal{text: fmt.Sprintf(format, args...)}
}
