// Package atomicfile makes a file appear under its name whole or not at all,
// and lasting: a reader of a plan, its tensors or a verdict finds the old file
// or the new one while it is being made again, and after a crash of the
// machine. The records of metrics, which imports nothing of this room, are
// written in the same way by metrics/record; a test compares the two.
package atomicfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

// Write makes or replaces a file with what write gives. The new file has mode
// 0644 less the umask, whatever the old one had; a symbolic link is replaced
// and its target left as it was. If anything fails, the old file stays and
// nothing new does.
func Write(path string, write func(io.Writer) error) (err error) {
	folder := filepath.Dir(path)
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(folder), renameio.WithPermissions(0o644))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Cleanup()) }() // does nothing after the rename
	if err := write(f); err != nil {
		return err
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return err
	}
	return syncFolder(folder)
}

// syncFolder makes the new name last through a crash of the machine, which
// renameio leaves to its caller.
func syncFolder(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
