package cluster

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/dlbench/dlbench/workloads/atomicfile"
)

// copyFile copies a file whole or not at all.
func copyFile(from, to string, mode os.FileMode) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	err = atomicfile.Write(to, func(w io.Writer) error {
		_, err := io.Copy(w, f)
		return err
	})
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Chmod(to, mode)
}

// Carry copies a file that the request names into the run's directory, where
// every node sees it, and returns its path there. Two of the same name stay apart,
// and both keep it.
func Carry(dir string, number int, path string) (string, error) {
	folder := filepath.Join(dir, filesDir, strconv.Itoa(number))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", noRoom(dir, err)
	}
	to := filepath.Join(folder, filepath.Base(path))
	if err := copyFile(path, to, 0o644); err != nil {
		return "", noRoom(dir, err)
	}
	return to, nil
}
