package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	"github.com/dlbench/dlbench/metrics/record"
)

// Keep removes the oldest records until n are left, not counting baselines,
// which it never removes. It returns what it removed.
func (h *History) Keep(ctx context.Context, n int) ([]Entry, error) {
	if n < 0 {
		return nil, refusal("keep %d records: expected 0 or more", n)
	}
	return h.remove(ctx, func(entries []Entry, named map[string][]string) ([]Entry, error) {
		var excess []Entry
		kept := 0
		for _, e := range entries { // newest first
			switch {
			case len(named[e.ID]) > 0:
			case kept < n:
				kept++
			default:
				excess = append(excess, e)
			}
		}
		return excess, nil
	})
}

// Remove removes records by their whole IDs: all of them, or none when one is
// unknown or a baseline.
func (h *History) Remove(ctx context.Context, ids ...string) error {
	_, err := h.remove(ctx, func(entries []Entry, named map[string][]string) ([]Entry, error) {
		byID := map[string]Entry{}
		for _, e := range entries {
			byID[e.ID] = e
		}
		var chosen []Entry
		for _, id := range ids {
			e, ok := byID[id]
			switch {
			case !ok:
				return nil, h.unknown(id)
			case len(named[id]) > 0:
				return nil, refusal("remove %s: it is the baseline %q", id, named[id][0])
			}
			chosen = append(chosen, e)
			delete(byID, id)
		}
		return chosen, nil
	})
	return err
}

// remove removes the files of what choose chooses, while nobody adds a record
// or names one.
func (h *History) remove(ctx context.Context, choose func([]Entry, map[string][]string) ([]Entry, error)) (removed []Entry, err error) {
	if err := h.exists(); err != nil {
		return nil, err
	}
	err = h.locked(ctx, exclusive, func() error {
		names, err := h.readBaselines()
		if err != nil {
			return err
		}
		if err := h.refresh(ctx); err != nil {
			return err
		}
		var entries []Entry
		if err := h.withIndex(ctx, func(db *sql.DB) (err error) {
			entries, err = h.selectEntries(ctx, db, "1")
			return err
		}); err != nil {
			return err
		}
		chosen, err := choose(entries, names.byID())
		if err != nil {
			return err
		}
		for _, e := range chosen {
			if err := os.Remove(e.File); err != nil && !errors.Is(err, os.ErrNotExist) {
				return fmt.Errorf("remove a record: %w", err)
			}
			removed = append(removed, e)
		}
		return errors.Join(record.SyncFolder(h.recordsDir()), h.refresh(ctx))
	})
	return removed, err
}
