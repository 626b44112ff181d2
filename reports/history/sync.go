package history

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/dlbench/dlbench/metrics/record"
)

// Problem is a file among the records that is none.
type Problem struct {
	File string `json:"file"` // its path
	Text string `json:"problem"`
}

// upToDate returns errStale unless the index holds exactly the files.
func (h *History) upToDate(ctx context.Context, db *sql.DB) error {
	found, err := h.files()
	if err != nil {
		return err
	}
	known, _, err := knownFiles(ctx, db)
	if err != nil {
		return err
	}
	if !maps.Equal(found, known) {
		return errStale
	}
	return nil
}

// knownFiles are the files that the index was made from, and which of them are
// no records.
func knownFiles(ctx context.Context, db *sql.DB) (known listing, bad []string, err error) {
	rows, err := db.QueryContext(ctx, `SELECT name, size, modified, problem != '' FROM files`)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err has what matters
	known = listing{}
	for rows.Next() {
		var name string
		var s stamp
		var problem bool
		if err := rows.Scan(&name, &s.size, &s.modified, &problem); err != nil {
			return nil, nil, err
		}
		known[name] = s
		if problem {
			bad = append(bad, name)
		}
	}
	return known, bad, rows.Err()
}

// sync brings the index up to date, in one transaction.
func (h *History) sync(ctx context.Context, db *sql.DB) error {
	found, err := h.files()
	if err != nil {
		return err
	}
	known, bad, err := knownFiles(ctx, db)
	if err != nil || maps.Equal(found, known) {
		return err
	}
	var gone []string
	for name, s := range known {
		if found[name] != s {
			gone = append(gone, name)
		}
	}
	if len(gone) > 0 {
		gone = append(gone, bad...) // what was wrong may have been with those that went
	}
	for _, name := range gone {
		delete(known, name)
	}
	var fresh []string
	for name := range found {
		if _, ok := known[name]; !ok {
			fresh = append(fresh, name)
		}
	}
	slices.Sort(fresh)
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	if err := forget(ctx, tx, gone); err != nil {
		return err
	}
	if err := h.index(ctx, tx, fresh, found); err != nil {
		return err
	}
	return tx.Commit()
}

// forget takes files out of the index.
func forget(ctx context.Context, tx *sql.Tx, names []string) error {
	for _, name := range names {
		for _, statement := range []string{
			`DELETE FROM figures WHERE record IN (SELECT id FROM records WHERE name = ?)`,
			`DELETE FROM cells WHERE record IN (SELECT id FROM records WHERE name = ?)`,
			`DELETE FROM records WHERE name = ?`,
			`DELETE FROM files WHERE name = ?`,
		} {
			if _, err := tx.ExecContext(ctx, statement, name); err != nil {
				return err
			}
		}
	}
	return nil
}

// content is a file that was read: a record or a problem.
type content struct {
	id      string
	record  *record.Record
	problem string
}

// readAtOnce bounds how many records are in memory while an index is made.
const readAtOnce = 64

// index puts files into the index, in their order: of a record that lies there
// under two names, the first is it. Files are read on all CPUs, because to
// check a record costs more than to insert it.
func (h *History) index(ctx context.Context, tx *sql.Tx, names []string, found listing) error {
	in, err := newInserter(ctx, tx)
	if err != nil {
		return err
	}
	defer in.close()
	for batch := range slices.Chunk(names, readAtOnce) {
		contents := make([]content, len(batch))
		readers, ctx := errgroup.WithContext(ctx)
		readers.SetLimit(runtime.GOMAXPROCS(0))
		for i, name := range batch {
			readers.Go(func() error {
				contents[i] = h.read(name)
				return ctx.Err()
			})
		}
		if err := readers.Wait(); err != nil {
			return err
		}
		for i, name := range batch {
			if err := in.file(name, found[name], contents[i]); err != nil {
				return fmt.Errorf("index %s: %w", name, err)
			}
		}
	}
	return nil
}

// read reads one of the history's files. What is wrong with it is kept in the
// index, so that it is not read again each time.
func (h *History) read(name string) content {
	path := h.recordPath(name)
	data, err := os.ReadFile(path)
	if err != nil {
		return content{problem: err.Error()}
	}
	rec, err := record.Decode(path, data)
	if err != nil {
		return content{problem: err.Error()}
	}
	id, err := Identify(data)
	if err != nil {
		return content{problem: err.Error()}
	}
	return content{id: id, record: rec}
}

// Problems are the files among the records that are none, by name.
func (h *History) Problems(ctx context.Context) ([]Problem, error) {
	var problems []Problem
	err := h.query(ctx, func(db *sql.DB) (err error) {
		problems, err = h.selectProblems(ctx, db)
		return err
	})
	return problems, err
}

func (h *History) selectProblems(ctx context.Context, db *sql.DB) ([]Problem, error) {
	rows, err := db.QueryContext(ctx, `SELECT name, problem FROM files WHERE problem != '' ORDER BY name`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err has what matters
	var problems []Problem
	for rows.Next() {
		var p Problem
		if err := rows.Scan(&p.File, &p.Text); err != nil {
			return nil, err
		}
		p.File = h.recordPath(p.File)
		problems = append(problems, p)
	}
	return problems, rows.Err()
}
