// Package history keeps records: a directory of them, found again by what they
// measured.
//
//	DIR/records/<time>-<suite>-<host>-<id>.json   the records, as they were added
//	DIR/baselines.json                            names of records
//	DIR/index.sqlite                              what is searched
//	DIR/lock                                      held while any of these is used
//
// The files are the truth. The index is made from them and may be deleted at
// any time; it is brought up to date by itself when files came, went or changed
// behind its back, and made anew when it is broken or of another version.
package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/dlbench/dlbench/metrics/record"
)

// History is a directory of records. Several processes, and several goroutines
// of one, may use it at once.
type History struct {
	dir string
}

// At is the history in a directory, which Add makes if there is none.
func At(dir string) (*History, error) {
	whole, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("history %s: %w", dir, err)
	}
	return &History{dir: whole}, nil
}

// Dir is where the history is.
func (h *History) Dir() string { return h.dir }

func (h *History) recordsDir() string         { return filepath.Join(h.dir, "records") }
func (h *History) recordPath(n string) string { return filepath.Join(h.recordsDir(), n) }
func (h *History) indexPath() string          { return filepath.Join(h.dir, "index.sqlite") }
func (h *History) baselinesPath() string      { return filepath.Join(h.dir, "baselines.json") }

// exists refuses a directory that holds no history, so that a mistyped one is
// not taken for an empty one.
func (h *History) exists() error {
	info, err := os.Stat(h.recordsDir())
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return refusal("history %s: there is none; dlbench history add RESULT makes one", h.dir)
	case err != nil:
		return fmt.Errorf("history %s: %w", h.dir, err)
	case !info.IsDir():
		return refusal("history %s: %s is not a directory", h.dir, h.recordsDir())
	}
	return nil
}

// Exists says whether the directory holds a history.
func (h *History) Exists() bool { return h.exists() == nil }

// create makes the directory.
func (h *History) create() error {
	if err := os.MkdirAll(h.recordsDir(), 0o755); err != nil {
		return fmt.Errorf("make the history %s: %w", h.dir, err)
	}
	return nil
}

// Writable makes the directory and finds out whether a record can be added to it.
func (h *History) Writable() error {
	if err := h.create(); err != nil {
		return err
	}
	if err := record.TryFolder(h.recordsDir()); err != nil {
		return fmt.Errorf("history %s: %w", h.dir, err)
	}
	return nil
}

// query reads the index: together with other readers while it is up to date,
// else by itself, after bringing it up to date. use is called again when the index
// turns out to be broken, and so has to start afresh each time.
func (h *History) query(ctx context.Context, use func(*sql.DB) error) error {
	if err := h.exists(); err != nil {
		return err
	}
	err := h.locked(ctx, shared, func() error {
		return h.withIndex(ctx, func(db *sql.DB) error {
			if err := h.upToDate(ctx, db); err != nil {
				return err
			}
			return use(db)
		})
	})
	if err == nil || !errors.Is(err, errStale) && !broken(err) {
		return err
	}
	return h.locked(ctx, exclusive, func() error {
		if broken(err) {
			if err := h.dropIndex(); err != nil {
				return err
			}
		}
		if err := h.refresh(ctx); err != nil {
			return err
		}
		return h.withIndex(ctx, use)
	})
}

// refresh brings the index up to date under an exclusive lock, by making it
// anew if it is missing, broken or of another version.
func (h *History) refresh(ctx context.Context) error {
	err := h.withIndex(ctx, func(db *sql.DB) error { return h.sync(ctx, db) })
	if err == nil || !errors.Is(err, errStale) && !broken(err) {
		return err
	}
	if err := h.dropIndex(); err != nil {
		return err
	}
	return h.makeIndex(ctx, func(db *sql.DB) error { return h.sync(ctx, db) })
}

// Reindex makes the index anew from the files, and returns what is in it and
// the files that are not records.
func (h *History) Reindex(ctx context.Context) (records int, problems []Problem, err error) {
	if err := h.exists(); err != nil {
		return 0, nil, err
	}
	err = h.locked(ctx, exclusive, func() error {
		if err := h.dropIndex(); err != nil {
			return err
		}
		if err := h.refresh(ctx); err != nil {
			return err
		}
		return h.withIndex(ctx, func(db *sql.DB) error {
			if err := db.QueryRowContext(ctx, `SELECT count(*) FROM records`).Scan(&records); err != nil {
				return err
			}
			problems, err = h.selectProblems(ctx, db)
			return err
		})
	})
	return records, problems, err
}
