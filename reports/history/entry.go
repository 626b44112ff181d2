package history

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Entry is a record of the history as a list shows it.
type Entry struct {
	ID        string            `json:"id"`
	Created   time.Time         `json:"created"` // when the campaign began
	Suite     string            `json:"suite"`
	Profile   string            `json:"profile"`
	Host      string            `json:"host"`
	Machine   string            `json:"machine,omitempty"` // the name that was given to it
	Branch    string            `json:"branch,omitempty"`
	CPU       string            `json:"cpu"`
	Status    string            `json:"status"`
	Versions  map[string]string `json:"versions"` // of the runners' frameworks
	Baselines []string          `json:"baselines,omitempty"`
	File      string            `json:"file"`
}

// Filter chooses records; what is empty chooses all.
type Filter struct {
	Suite, Host      string // Host may be the name that was given to the machine
	Branch           string
	Line             *Line     // records of its machine and branch
	Workload, Runner string    // records with a cell of it, or of both
	Since            time.Time // created then or later
}

// where is the filter in SQL.
func (f Filter) where() (clause string, args []any) {
	clauses := []string{"1"}
	add := func(clause string, values ...any) {
		clauses = append(clauses, clause)
		args = append(args, values...)
	}
	if f.Suite != "" {
		add(`r.suite = ?`, f.Suite)
	}
	if !f.Since.IsZero() {
		add(`r.created >= ?`, f.Since.UnixNano())
	}
	switch {
	case f.Workload != "" && f.Runner != "":
		add(`r.id IN (SELECT record FROM cells WHERE workload = ? AND runner = ?)`, f.Workload, f.Runner)
	case f.Workload != "":
		add(`r.id IN (SELECT record FROM cells WHERE workload = ?)`, f.Workload)
	case f.Runner != "":
		add(`r.id IN (SELECT record FROM cells WHERE runner = ?)`, f.Runner)
	}
	return strings.Join(clauses, " AND "), args
}

// List are the records that a filter chooses, newest first.
func (h *History) List(ctx context.Context, f Filter) ([]Entry, error) {
	where, args := f.where()
	var entries []Entry
	err := h.query(ctx, func(db *sql.DB) (err error) {
		if entries, err = h.selectEntries(ctx, db, where, args...); err != nil {
			return err
		}
		entries, err = h.identified(ctx, db, f, entries)
		return err
	})
	if err != nil {
		return nil, err
	}
	names, err := h.readBaselines()
	if err != nil {
		return nil, err
	}
	byID := names.byID()
	for i := range entries {
		entries[i].Baselines = byID[entries[i].ID]
	}
	return entries, nil
}

// identified fills in the entries' machines and branches, and leaves out those
// that the filter does not choose by them.
func (h *History) identified(ctx context.Context, db *sql.DB, f Filter, entries []Entry) ([]Entry, error) {
	byID, known, err := h.identities(ctx, db)
	if err != nil {
		return nil, err
	}
	for n := range entries {
		i := byID[entries[n].ID]
		entries[n].Machine, entries[n].Branch = i.machine, i.branch
	}
	return slices.DeleteFunc(entries, func(e Entry) bool {
		i := byID[e.ID]
		return f.Host != "" && f.Host != i.host && f.Host != i.machine || f.Branch != "" && f.Branch != i.branch ||
			f.Line != nil && f.Line.outside(i, known) != ""
	}), nil
}

func (h *History) selectEntries(ctx context.Context, db *sql.DB, where string, args ...any) ([]Entry, error) {
	rows, err := db.QueryContext(ctx, `SELECT r.id, r.name, r.created, r.suite, r.profile, r.host, r.cpu, r.status, t.text
		FROM records r JOIN texts t ON t.key = r.versions WHERE `+where+` ORDER BY r.created DESC, r.updated DESC, r.id`, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err has what matters
	entries := []Entry{}
	known := map[string]map[string]string{} // versions by their text, which many records share
	for rows.Next() {
		var e Entry
		var created int64
		var versions string
		if err := rows.Scan(&e.ID, &e.File, &created, &e.Suite, &e.Profile, &e.Host, &e.CPU, &e.Status, &versions); err != nil {
			return nil, err
		}
		e.Created, e.File = time.Unix(0, created).UTC(), h.recordPath(e.File)
		if _, there := known[versions]; !there {
			var one map[string]string
			if err := json.Unmarshal([]byte(versions), &one); err != nil {
				return nil, fmt.Errorf("versions of %s: %w", e.ID, err)
			}
			known[versions] = one
		}
		e.Versions = known[versions]
		entries = append(entries, e)
	}
	return entries, rows.Err()
}

// Names are the workloads and runners that the history has cells of, sorted.
func (h *History) Names(ctx context.Context) (workloads, runners []string, err error) {
	err = h.query(ctx, func(db *sql.DB) error {
		workloads, runners = nil, nil
		rows, err := db.QueryContext(ctx, `SELECT DISTINCT workload, runner FROM cells`)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }() // rows.Err has what matters
		for rows.Next() {
			var workload, runner string
			if err := rows.Scan(&workload, &runner); err != nil {
				return err
			}
			workloads, runners = append(workloads, workload), append(runners, runner)
		}
		return rows.Err()
	})
	slices.Sort(workloads)
	slices.Sort(runners)
	return slices.Compact(workloads), slices.Compact(runners), err
}
