package record

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
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

// Replace makes a file appear under its name whole or not at all, and lasting
// through a crash of the machine.
func Replace(path string, data []byte) (err error) {
	folder := filepath.Dir(path)
	f, err := os.CreateTemp(folder, "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := fill(f, data); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return SyncFolder(folder)
}

// fill writes, synchronises and closes the file.
func fill(f *os.File, data []byte) error {
	_, err := f.Write(data)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// SyncFolder makes the new name last through a crash of the machine.
func SyncFolder(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
