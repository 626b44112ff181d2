package reports

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dlbench/dlbench/metrics/record"
)

// reserveName is a file that takes up room while a run is under way, as much as
// its record does. A disk that others fill then still has the room for the last
// record, which says that the run was interrupted.
const reserveName = ".reserve"

// keepReserve makes the reserve as large as the record, and removes it with the
// last one.
func keepReserve(dir string, rec *record.Record) error {
	path := filepath.Join(dir, reserveName)
	if rec.Status != record.Running {
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	needed, err := os.Stat(filepath.Join(dir, "result.json"))
	if err != nil {
		return err
	}
	if now, err := os.Stat(path); err == nil && now.Size() >= needed.Size() {
		return nil
	}
	return os.WriteFile(path, make([]byte, needed.Size()), 0o644)
}

// makeRoom removes what is not needed to go on: the pages, which are drawn again,
// and the reserve. It says whether there was any.
func makeRoom(dir string) (removed bool) {
	removed = removePages(dir)
	return os.Remove(filepath.Join(dir, reserveName)) == nil || removed
}

// removePages removes what WriteAll writes, and says whether there was any.
func removePages(dir string) (removed bool) {
	for _, name := range pages {
		removed = os.Remove(filepath.Join(dir, name)) == nil || removed
	}
	return removed
}
