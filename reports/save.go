package reports

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"

	"github.com/dlbench/dlbench/metrics/record"
)

// Save writes every file of a run into its directory, which it makes if it is not
// there, or not any more: the record, then what is made from it. results/latest points at the newest run that lies in results. On
// a disk that is full pages make room for the record, from which they can be
// drawn again; a page that cannot be written does not stay as it was, of an
// earlier round.
func Save(dir string, rec *record.Record) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	path := filepath.Join(dir, "result.json")
	err := record.Write(path, rec)
	if record.Full(err) && makeRoom(dir) {
		err = record.Write(path, rec)
	}
	if err != nil {
		return err
	}
	if err := keepReserve(dir, rec); err != nil {
		return fmt.Errorf("keep room for the next record: %w", err)
	}
	if err := WriteAll(dir, rec); err != nil {
		removePages(dir)
		return err
	}
	return pointLatest(dir)
}

// pointLatest makes results/latest point at a run that lies in results.
func pointLatest(dir string) error {
	parent, name := filepath.Split(filepath.Clean(dir))
	if filepath.Base(parent) != "results" {
		return nil
	}
	link := filepath.Join(parent, "latest")
	if name == "latest" {
		return nil
	}
	if info, err := os.Lstat(link); err == nil && info.Mode()&os.ModeSymlink == 0 {
		return nil // somebody's own, which no link may replace
	}
	if old, err := os.Readlink(link); err == nil && old == name {
		return nil
	}
	if err := renameio.Symlink(name, link); err != nil {
		return fmt.Errorf("point results/latest at the run: %w", err)
	}
	return nil
}
