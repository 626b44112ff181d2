package history

import (
	"context"
	"database/sql"
	"os"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// Find is the record of an ID, of the start of one that no other ID has, or of
// a baseline's name, which goes first.
func (h *History) Find(ctx context.Context, name string) (Entry, error) {
	names, err := h.readBaselines()
	if err != nil {
		return Entry{}, err
	}
	prefix := strings.ToLower(name)
	if nights := names[name]; len(nights) > 0 {
		prefix = nights[0]
	}
	if !isHex(prefix) {
		return Entry{}, h.unknown(name)
	}
	var found []Entry
	err = h.query(ctx, func(db *sql.DB) (err error) {
		found, err = h.selectEntries(ctx, db, `r.id >= ? AND r.id < ?`, prefix, prefix+"g")
		return err
	})
	switch {
	case err != nil:
		return Entry{}, err
	case len(found) == 0:
		return Entry{}, h.unknown(name)
	case len(found) > 1:
		return Entry{}, refusal("history %s: %d records begin with %q: %s; give more of the ID", h.dir, len(found), name, someIDs(found))
	}
	found[0].Baselines = names.byID()[found[0].ID]
	return found[0], nil
}

func (h *History) unknown(name string) error {
	return refusal("history %s: no record and no baseline is called %q; see dlbench history list", h.dir, name)
}

// isHex says whether a text can be the start of an ID.
func isHex(text string) bool {
	return text != "" && len(text) <= idLength && strings.Trim(text, "0123456789abcdef") == ""
}

func someIDs(entries []Entry) string {
	const most = 4
	var ids []string
	for _, e := range entries[:min(most, len(entries))] {
		ids = append(ids, e.ID)
	}
	if len(entries) > most {
		ids = append(ids, "…")
	}
	return strings.Join(ids, ", ")
}

// Read reads an entry's record, completed if an older program wrote it, and the
// bytes that it is kept as.
func (h *History) Read(e Entry) (*record.Record, []byte, error) {
	data, err := os.ReadFile(e.File)
	if err != nil {
		return nil, nil, err
	}
	rec, err := record.Decode(e.File, data)
	if err != nil {
		return nil, nil, err
	}
	summary.Complete(rec)
	return rec, data, nil
}
