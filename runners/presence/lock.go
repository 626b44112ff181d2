package presence

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// ErrTaken says that another process holds a lock.
var ErrTaken = errors.New("another dlbench holds the lock")

const retry = 200 * time.Millisecond

// Exclusive takes a lock that nobody else holds, at once or not: then the error
// is ErrTaken. What gives it back removes its file.
func Exclusive(path string) (release func() error, err error) {
	for {
		lock := flock.New(path)
		if err := atOnce(lock); err != nil {
			return nil, err
		}
		if there(lock) {
			return func() error { return errors.Join(removed(path), lock.Unlock()) }, nil
		}
		if err := lock.Unlock(); err != nil { // whoever held it removed the file meanwhile
			return nil, err
		}
	}
}

// atOnce takes a lock for this process alone, or fails.
func atOnce(lock *flock.Flock) error {
	free, err := lock.TryLock()
	switch {
	case err != nil:
		return fmt.Errorf("lock %s: %w", lock.Path(), err)
	case !free:
		return ErrTaken
	}
	return nil
}

// there says whether a lock's file is the one that others find by its path.
func there(lock *flock.Flock) bool {
	held, err := lock.Stat()
	found, gone := os.Stat(lock.Path())
	return err == nil && gone == nil && os.SameFile(held, found)
}

// Change takes the lock of something that is about to be changed, at once or
// not: then others use it, and the error is ErrTaken.
func Change(path string) (release func() error, err error) {
	lock, err := open(path)
	if err != nil {
		return nil, err
	}
	if err := atOnce(lock); err != nil {
		return nil, err
	}
	return lock.Unlock, nil
}

// Use takes the lock of something that many may use, and waits, which it says
// once, as long as another process changes it.
func Use(ctx context.Context, path string, waits func()) (release func() error, err error) {
	lock, err := open(path)
	if err != nil {
		return nil, err
	}
	free, err := lock.TryRLock()
	if err == nil && !free {
		waits()
		_, err = lock.TryRLockContext(ctx, retry)
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return lock.Unlock, nil
}

// Turn takes a lock as soon as nobody else holds it, and says once that it
// waits. What gives it back removes its file: there is one for each of many
// things that change.
func Turn(ctx context.Context, path string, waits func()) (release func() error, err error) {
	if err := makeDir(path); err != nil {
		return nil, err
	}
	release, err = Exclusive(path)
	if errors.Is(err, ErrTaken) {
		waits()
	}
	for errors.Is(err, ErrTaken) {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("lock %s: %w", path, ctx.Err())
		case <-time.After(retry):
			release, err = Exclusive(path)
		}
	}
	return release, err
}

func open(path string) (*flock.Flock, error) {
	if err := makeDir(path); err != nil {
		return nil, err
	}
	return flock.New(path, flock.SetPermissions(0o644)), nil
}

func makeDir(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("make the directory of a lock: %w", err)
	}
	return nil
}
