package history

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// mode is how a lock is held.
type mode int

const (
	shared    mode = unix.LOCK_SH // with other readers
	exclusive mode = unix.LOCK_EX // alone
)

// lockPause is how long to wait before asking for a lock again. The kernel's
// own waiting could not be interrupted.
const lockPause = 5 * time.Millisecond

// locked does something while the history is locked. The lock is the kernel's
// on an open file: it parts goroutines as well as processes, and a process that
// is killed holds none.
func (h *History) locked(ctx context.Context, m mode, do func() error) error {
	f, err := os.OpenFile(filepath.Join(h.dir, "lock"), os.O_CREATE|os.O_RDONLY, 0o644)
	if err != nil {
		return fmt.Errorf("lock the history: %w", err)
	}
	defer func() { _ = f.Close() }() // which unlocks
	for {
		err := unix.Flock(int(f.Fd()), int(m)|unix.LOCK_NB)
		switch {
		case err == nil:
			return do()
		case !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR):
			return fmt.Errorf("lock the history %s: %w", h.dir, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(lockPause):
		}
	}
}
