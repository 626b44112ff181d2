package nights

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// lock keeps two nights from running at once. The kernel's lock goes with the
// process, so that a night which was killed locks nobody out.
func (j *Job) lock(began time.Time) (unlock func() error, err error) {
	if err := os.MkdirAll(filepath.Join(j.Dir, "nights"), 0o755); err != nil {
		return nil, &UnusableError{fmt.Errorf("make the directory of the nights: %w", err), "give another --dir"}
	}
	lock := flock.New(filepath.Join(j.Dir, "lock"), flock.SetPermissions(0o644))
	free, err := lock.TryLock()
	switch {
	case err != nil:
		return nil, &UnusableError{fmt.Errorf("lock the nights: %w", err), "give another --dir"}
	case !free:
		return nil, &UnusableError{fmt.Errorf("another nightly is under way in %s (%s)", j.Dir, holder(lock.Path())), "wait for it, or give it a --budget"}
	}
	text := fmt.Sprintf("process %d since %s\n", os.Getpid(), began.Format(time.RFC3339))
	if err := os.WriteFile(lock.Path(), []byte(text), 0o644); err != nil {
		return nil, &UnusableError{errors.Join(fmt.Errorf("say who runs the nights: %w", err), lock.Unlock()), "make room, or give another --dir"}
	}
	return lock.Unlock, nil
}

// holder is who says that it holds the lock.
func holder(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return "who cannot be read: " + err.Error()
	}
	return strings.TrimSpace(string(text))
}
