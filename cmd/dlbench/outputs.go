package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/presence"
)

// What cannot be written is found before anything is prepared or measured: an
// hour later nobody is there to give another name.

// claimed is a directory that can be written, and those that were made for it.
type claimed struct {
	path   string
	made   []string // the deepest first
	unlock func() error
}

// claimDir makes a directory, if it is not there, and finds out whether it can
// be written.
func claimDir(path string) (*claimed, error) {
	d := &claimed{path: path}
	for dir := filepath.Clean(path); ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		d.made = append(d.made, dir)
	}
	err := os.MkdirAll(path, 0o755)
	if err == nil {
		err = record.TryFolder(path)
	}
	if err != nil {
		d.release()
		return nil, noDirectory(fmt.Errorf("output directory %s: %w", path, err))
	}
	return d, nil
}

// noDirectory is the error of a directory that cannot be written.
func noDirectory(err error) error {
	if record.Full(err) {
		return bench.EnvironmentError(err, "make room, or give an --out on another disk")
	}
	return bench.EnvironmentError(err, "give an --out that can be written")
}

// claimNew makes a directory that no other run has: another one that began in
// the same second has taken the name already.
func claimNew(path string) (*claimed, error) {
	parent, err := claimDir(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	name := path
	for n := 2; ; n++ {
		err := os.Mkdir(name, 0o755)
		if err == nil {
			return &claimed{path: name, made: append([]string{name}, parent.made...)}, nil
		}
		if !errors.Is(err, fs.ErrExist) {
			parent.release()
			return nil, noDirectory(fmt.Errorf("output directory: %w", err))
		}
		name = fmt.Sprintf("%s-%d", path, n)
	}
}

// claimRun makes the directory of a run, and keeps other runs out of it. One that
// nobody named is a new one.
func claimRun(path string, named bool) (*claimed, error) {
	claim := claimNew
	if named {
		claim = claimDir
	}
	d, err := claim(path)
	if err != nil {
		return nil, err
	}
	if err := d.lock(); err != nil {
		d.release()
		return nil, err
	}
	return d, nil
}

// lock keeps other runs out of the directory: the record would be one's, and the
// files of both.
func (d *claimed) lock() error {
	unlock, err := presence.Exclusive(filepath.Join(d.path, lockName))
	if errors.Is(err, presence.ErrTaken) {
		return bench.EnvironmentError(fmt.Errorf("output directory %s: another dlbench writes to it", d.path), "give another --out, or wait for it")
	}
	if err != nil {
		return noDirectory(fmt.Errorf("output directory %s: %w", d.path, err))
	}
	d.unlock = unlock
	return nil
}

const lockName = ".dlbench.lock"

// underWay says that a run writes to a directory, which explains whatever else is
// wrong with what lies there.
func underWay(path string) error {
	if _, err := os.Stat(filepath.Join(path, lockName)); err != nil {
		return nil
	}
	d := &claimed{path: path}
	defer d.release()
	return d.lock()
}

// release removes what was made, if it has stayed empty.
func (d *claimed) release() {
	if d.unlock != nil {
		_ = d.unlock() // whoever comes next finds no process that holds it
		d.unlock = nil
	}
	for _, dir := range d.made {
		if os.Remove(dir) != nil {
			return
		}
	}
}

// writable says why a file cannot be written that is to be made or replaced.
func writable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return fmt.Errorf("%s is a directory", path)
	case err == nil && !info.Mode().IsRegular(): // a pipe or a device is written to as it is
		return nil
	case os.IsPathSeparator(path[len(path)-1]):
		return fmt.Errorf("%s names a directory", path)
	}
	return record.TryFile(path)
}

// tryFiles refuses files that flags name, if they are given and cannot be
// written.
func tryFiles(c *cli.Context, flags ...string) error {
	for _, name := range flags {
		path := c.String(name)
		if path == "" {
			continue
		}
		if err := writable(path); err != nil {
			return unwritten(fmt.Errorf("%s%s %s: %w", strings.Repeat("-", min(2, len(name))), name, path, err))
		}
	}
	return nil
}

// unwritten is the error of a file that could not be written: a full disk is the
// machine's, anything else is that of who named the file.
func unwritten(err error) error {
	if record.Full(err) {
		return bench.EnvironmentError(err, "make room, or name a file on another disk")
	}
	return usage(err)
}

// keptLink says whether a name is that of the link that reports.Save keeps.
func keptLink(path string) bool {
	whole, err := filepath.Abs(path)
	return err == nil && filepath.Base(whole) == "latest" && filepath.Base(filepath.Dir(whole)) == "results"
}
