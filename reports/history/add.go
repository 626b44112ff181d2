package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	"github.com/dlbench/dlbench/metrics/record"
)

// Added says what became of one result.
type Added struct {
	ID   string `json:"id"`
	Path string `json:"path"` // of the copy
	New  bool   `json:"new"`  // false when the history had it
}

// addition is a result that was read and checked.
type addition struct {
	id, name string
	data     []byte
}

// Add copies results into the history. All are read before the first is copied,
// so that a bad one leaves the history as it was; each copy appears whole or
// not at all. A file that is not a valid record gives a *record.InvalidError. A
// record that is there already stays one.
func (h *History) Add(ctx context.Context, paths ...string) ([]Added, error) {
	var additions []addition
	for _, path := range paths {
		a, err := readAddition(path)
		if err != nil {
			return nil, err
		}
		additions = append(additions, a)
	}
	if err := h.create(); err != nil {
		return nil, err
	}
	var added []Added
	err := h.locked(ctx, exclusive, func() error {
		if err := h.refresh(ctx); err != nil {
			return err
		}
		for _, a := range additions {
			one, err := h.keep(ctx, a, added)
			if err != nil {
				return fmt.Errorf("add to the history: %w", err)
			}
			added = append(added, one)
		}
		return h.refresh(ctx)
	})
	return added, err
}

func readAddition(path string) (addition, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return addition{}, fmt.Errorf("read a record: %w", err)
	}
	rec, err := record.Decode(path, data)
	if err != nil {
		return addition{}, err
	}
	id, err := Identify(data)
	return addition{id: id, name: fileName(rec, id), data: data}, err
}

// keep writes a record if neither the history nor an earlier addition is it.
func (h *History) keep(ctx context.Context, a addition, earlier []Added) (Added, error) {
	for _, e := range earlier {
		if e.ID == a.id {
			return Added{ID: a.id, Path: e.Path}, nil
		}
	}
	name := ""
	err := h.withIndex(ctx, func(db *sql.DB) error {
		return db.QueryRowContext(ctx, `SELECT name FROM records WHERE id = ?`, a.id).Scan(&name)
	})
	switch {
	case err == nil:
		return Added{ID: a.id, Path: h.recordPath(name)}, nil
	case !errors.Is(err, sql.ErrNoRows):
		return Added{}, err
	}
	path := h.recordPath(a.name)
	return Added{ID: a.id, Path: path, New: true}, record.Replace(path, a.data)
}
