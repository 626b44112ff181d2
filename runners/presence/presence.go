// Package presence lets the dlbench processes of one machine know of one
// another: each holds a lock for as long as it lives, whose file says who it is.
// The kernel's lock goes with its process and is seen from every PID namespace
// that shares the directory; a process ID is not.
package presence

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// Presence is this process's lock.
type Presence struct {
	dir  string
	path string
	lock *flock.Flock
}

// Process is what a lock's file says of who holds it.
type Process struct {
	PID   int       `json:"pid"` // in its own namespace
	Host  string    `json:"host"`
	Boot  string    `json:"boot"` // the kernel's ID of this start of the machine
	Since time.Time `json:"since"`
}

func (p Process) String() string {
	return fmt.Sprintf("process %d of %s, since %s", p.PID, p.Host, p.Since.Format("15:04:05"))
}

const suffix = ".lock"

// Claim takes a lock of its own in a directory, and removes those that ended
// processes left there.
func Claim(dir string, now time.Time) (*Presence, error) {
	path, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(path, 0o755)
	}
	if err != nil {
		return nil, fmt.Errorf("make the directory of locks: %w", err)
	}
	clean(path, now)
	self := Process{PID: os.Getpid(), Boot: bootID(), Since: now}
	self.Host, _ = os.Hostname()
	p := &Presence{dir: path}
	file, err := os.CreateTemp(path, fmt.Sprintf("%d-*%s", os.Getpid(), suffix))
	if err != nil {
		return nil, fmt.Errorf("make a lock: %w", err)
	}
	p.path = file.Name()
	text, err := json.Marshal(self)
	if err == nil {
		_, err = file.Write(text)
	}
	if err := errors.Join(err, file.Close(), os.Chmod(p.path, 0o644)); err != nil {
		return nil, errors.Join(fmt.Errorf("write the lock %s: %w", p.path, err), os.Remove(p.path))
	}
	p.lock = flock.New(p.path)
	if err := p.lock.Lock(); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", p.path, err), os.Remove(p.path))
	}
	return p, nil
}

// Work is a directory for what lives no longer than this process: what a killed
// one leaves there goes with its lock's file.
func (p *Presence) Work() string { return strings.TrimSuffix(p.path, suffix) }

// Release gives the lock back.
func (p *Presence) Release() error {
	return errors.Join(os.RemoveAll(p.Work()), removed(p.path), p.lock.Unlock())
}

// removed removes a file; the cache may be deleted at any time.
func removed(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Others are the other processes on this machine that hold a lock in the
// directory.
func (p *Presence) Others() []Process { return running(p.dir, p.path) }

// Running are the processes on this machine that hold a lock in a directory.
func Running(dir string) []Process { return running(dir, "") }

func running(dir, own string) []Process {
	var found []Process
	for _, path := range locks(dir) {
		if path == own || stateOf(path) != held {
			continue
		}
		text, err := os.ReadFile(path)
		var other Process
		if err == nil && json.Unmarshal(text, &other) == nil && other.Boot == bootID() {
			found = append(found, other)
		}
	}
	return found
}

// Sees says whether a lock is one of those that Others looks at.
func (p *Presence) Sees(lock string) bool { return filepath.Dir(lock) == p.dir }

func locks(dir string) []string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	var paths []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) {
			paths = append(paths, filepath.Join(dir, e.Name()))
		}
	}
	return paths
}

// settled is how old a file is that its process has surely locked.
const settled = time.Minute

// clean removes what processes left that have ended.
func clean(dir string, now time.Time) {
	for _, path := range locks(dir) {
		info, err := os.Stat(path)
		if err == nil && now.Sub(info.ModTime()) > settled && stateOf(path) == free {
			_ = os.RemoveAll(strings.TrimSuffix(path, suffix)) // another one may clean, too
			_ = os.Remove(path)
		}
	}
}

// state is what a lock's file tells from here.
type state int

const (
	unseen state = iota // it is not there, or cannot be opened
	free
	held
)

func stateOf(path string) state {
	lock := flock.New(path, flock.SetFlag(os.O_RDONLY)) // which makes no file
	locked, err := lock.TryRLock()
	switch {
	case err != nil:
		return unseen
	case !locked:
		return held
	}
	_ = lock.Unlock()
	return free
}
