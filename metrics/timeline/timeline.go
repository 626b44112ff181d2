// Package timeline keeps when each step of a run began and ended: images that
// were built, runners that were verified, rounds that were measured. It tells
// where the time of a first run went, which a record of measurements cannot.
package timeline

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// FileName is what the log of a run is called in its directory.
const FileName = "timeline.jsonl"

// The kinds of steps.
const (
	Image   = "image"   // a layer of an image is built
	Fetch   = "fetch"   // an image is pulled or loaded
	Verify  = "verify"  // a runner is verified on a workload
	Preview = "preview" // the first runners are tried out
	Peak    = "peak"    // what the machine reaches at most is measured
	Round   = "round"   // every cell is measured once
)

// Step is one line of the log.
type Step struct {
	Kind  string    `json:"kind"`
	Name  string    `json:"name"`
	Start time.Time `json:"start"`
	End   time.Time `json:"end"`
	Error string    `json:"error,omitempty"` // first line of why it failed
}

// Log is written a line a step, when the step ends: what is killed leaves the
// steps that had ended. Steps may overlap. A nil log keeps nothing.
type Log struct {
	now  func() time.Time
	path string

	mu    sync.Mutex
	fault error // of the first line that could not be written
}

// New is a log that goes on with the file, which is made by the first step.
func New(path string, now func() time.Time) *Log { return &Log{path: path, now: now} }

// Begin says that a step begins. Its result is called when the step ends, with
// what ended it.
func (l *Log) Begin(kind, name string) func(error) {
	if l == nil {
		return func(error) {}
	}
	s := Step{Kind: kind, Name: name, Start: l.now().UTC()}
	return func(err error) {
		s.End = l.now().UTC()
		if err != nil {
			s.Error, _, _ = strings.Cut(err.Error(), "\n")
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.fault = errors.Join(l.fault, l.write(s))
	}
}

// Fault is why steps are missing in the file; nil if none is.
func (l *Log) Fault() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fault
}

func (l *Log) write(s Step) error {
	line, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(l.path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(append(line, '\n'))
	return errors.Join(err, f.Close())
}

// Read reads a log. A last line that was cut off is left out.
func Read(path string) ([]Step, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: there is no log of times", path)
	}
	if err != nil {
		return nil, err
	}
	whole := data[:bytes.LastIndexByte(data, '\n')+1]
	var steps []Step
	scanner := bufio.NewScanner(bytes.NewReader(whole))
	scanner.Buffer(nil, 1<<20)
	for n := 1; scanner.Scan(); n++ {
		var s Step
		if err := json.Unmarshal(scanner.Bytes(), &s); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		if s.Kind == "" || s.Start.IsZero() || s.End.Before(s.Start) {
			return nil, fmt.Errorf("%s:%d: expected a step with kind, start and a later end", path, n)
		}
		steps = append(steps, s)
	}
	if len(steps) == 0 {
		return nil, fmt.Errorf("%s: no step of the log is whole", path)
	}
	return steps, scanner.Err()
}
