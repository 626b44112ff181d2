package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/renameio/v2"
)

// Write writes result.json, whole or not at all: to a temporary file beside
// it, which is synchronised and takes the name, and then the folder is
// synchronised too. A record that Encode refuses leaves the file as it was.
// Write does not Validate: what was measured is worth keeping in any shape.
func Write(path string, r *Record) error {
	data, err := Encode(r)
	if err == nil {
		err = Replace(path, data)
	}
	if err != nil {
		return fmt.Errorf("write the record %s: %w", path, err)
	}
	return nil
}

// Replace makes or replaces a file, whole or not at all, and lasting through a
// crash of the machine. The new file has mode 0644 less the umask, whatever the
// old one had; a symbolic link is replaced and its target left as it was.
func Replace(path string, data []byte) (err error) {
	folder := filepath.Dir(path)
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(folder), renameio.WithPermissions(0o644))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Cleanup()) }() // does nothing after the rename
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return err
	}
	return SyncFolder(folder)
}

// trial is what is written to see whether there is room: an empty file fits on a
// full disk.
var trial = make([]byte, 4<<10)

// TryFolder finds out whether a file can be made in a folder: it makes one and
// removes it. The error does not name that file, which nobody asked for.
func TryFolder(folder string) error { return TryFile(filepath.Join(folder, "trial")) }

// TryFile finds out whether a file could be made or replaced.
func TryFile(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"*")
	if err != nil {
		return unnamed(err)
	}
	_, err = f.Write(trial)
	return errors.Join(unnamed(err), unnamed(f.Close()), os.Remove(f.Name()))
}

func unnamed(err error) error {
	var failed *fs.PathError
	if errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// Full says whether an error is of a disk or a quota that is used up.
func Full(err error) bool { return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) }

// SyncFolder makes new and removed names last through a crash of the machine,
// which renameio leaves to its caller.
func SyncFolder(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
