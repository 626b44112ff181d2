package history

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// mode is how a lock is held.
type mode int

const (
	shared    mode = iota // with other readers
	exclusive             // by one
)

// lockPause is how long to wait before asking for a lock again. The kernel's
// own waiting could not be interrupted.
const lockPause = 5 * time.Millisecond

// locked does something while the history is locked. The lock is the kernel's
// on an open file: it parts goroutines as well as processes, and a process that
// is killed holds none.
func (h *History) locked(ctx context.Context, m mode, do func() error) (err error) {
	lock := flock.New(filepath.Join(h.dir, "lock"), flock.SetPermissions(0o644))
	take := lock.TryRLockContext
	if m == exclusive {
		take = lock.TryLockContext
	}
	if _, err := take(ctx, lockPause); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("lock the history %s: %w", h.dir, err)
	}
	defer func() { err = errors.Join(err, lock.Unlock()) }()
	return do()
}
