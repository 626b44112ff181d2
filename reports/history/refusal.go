package history

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/dlbench/dlbench/metrics/record"
)

// Refusal is an error of what was asked for: a name that is not there, a file
// that is not a record. It is one line that says so.
type Refusal struct{ text string }

func (r *Refusal) Error() string { return r.text }

func refusal(format string, args ...any) error {
	return &Refusal{text: fmt.Sprintf(format, args...)}
}

// Unusable says whether an error is of what was asked for: a name that is not
// there, a file that is not a record, a directory that cannot be used.
func Unusable(err error) bool {
	var refused *Refusal
	var invalid *record.InvalidError
	if errors.As(err, &refused) || errors.As(err, &invalid) {
		return true
	}
	for _, unusable := range []error{fs.ErrNotExist, fs.ErrPermission, fs.ErrExist, syscall.ENOTDIR, syscall.EISDIR, syscall.EROFS} {
		if errors.Is(err, unusable) {
			return true
		}
	}
	return false
}
