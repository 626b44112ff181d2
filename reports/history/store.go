// Package history keeps records. The files are the truth: every record is one
// file named by its time and digest, and every baseline one small file with a
// record's name. The SQLite index beside them only makes lists quick; it is
// made again from the files whenever it is missing, stale or broken.
package history

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports"
)

// Store is a history in a directory.
type Store struct {
	dir string
}

// Open makes the directories of a history where they are missing.
func Open(dir string) (*Store, error) {
	for _, sub := range []string{"records", "baselines"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return nil, fmt.Errorf("open the history: %w", err)
		}
	}
	return &Store{dir: dir}, nil
}

func (s *Store) recordPath(id string) string { return filepath.Join(s.dir, "records", id+".json") }

// Add keeps a record and returns its name. The same record again is the same
// name, so that adding twice does no harm.
func (s *Store) Add(r *record.Record) (string, error) {
	data, err := record.Encode(r)
	if err != nil {
		return "", fmt.Errorf("add to the history: %w", err)
	}
	sum := sha256.Sum256(data)
	id := r.Created.UTC().Format("20060102T150405Z") + "-" + hex.EncodeToString(sum[:6])
	if _, err := os.Stat(s.recordPath(id)); err == nil {
		return id, nil
	}
	return id, writeFile(s.recordPath(id), data)
}

// writeFile makes a file appear whole, and its name last.
func writeFile(path string, data []byte) error {
	err := reports.WriteFile(path, func(w io.Writer) error { _, err := io.Copy(w, bytes.NewReader(data)); return err })
	if err != nil {
		return fmt.Errorf("add to the history: %w", err)
	}
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// UnknownError is a name that the history does not have.
type UnknownError struct{ What, Name, Hint string }

func (e *UnknownError) Error() string {
	return fmt.Sprintf("the history has no %s %q: %s", e.What, e.Name, e.Hint)
}

var idPattern = regexp.MustCompile(`^\d{8}T\d{6}Z-[0-9a-f]{12}$`)

// Read reads a record by its name.
func (s *Store) Read(id string) (*record.Record, error) {
	if !idPattern.MatchString(id) {
		return nil, &UnknownError{"record", id, "dlbench history list has the names"}
	}
	r, err := record.Read(s.recordPath(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &UnknownError{"record", id, "dlbench history list has the names"}
	}
	return r, err
}

var baselinePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// ErrName says that a name cannot be a baseline's.
var ErrName = errors.New("expected letters, digits, points, dashes and underscores")

// SetBaseline names a record of the history as a baseline.
func (s *Store) SetBaseline(name, id string) error {
	if !baselinePattern.MatchString(name) {
		return fmt.Errorf("baseline name %q: %w", name, ErrName)
	}
	if _, err := s.Read(id); err != nil {
		return err
	}
	return writeFile(filepath.Join(s.dir, "baselines", name), []byte(id+"\n"))
}

// Baseline is the name of the record that a baseline stands for.
func (s *Store) Baseline(name string) (string, error) {
	unknown := &UnknownError{"baseline", name, "dlbench history baseline NAME RESULT makes one"}
	if !baselinePattern.MatchString(name) {
		return "", unknown
	}
	data, err := os.ReadFile(filepath.Join(s.dir, "baselines", name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", unknown
	}
	return strings.TrimSpace(string(data)), err
}

// locked runs while no other process changes the index.
func (s *Store) locked(do func() error) (err error) {
	f, err := os.OpenFile(filepath.Join(s.dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return fmt.Errorf("lock the history: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }() // which unlocks
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("lock the history: %w", err)
	}
	return do()
}
