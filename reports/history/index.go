package history

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver, in Go alone

	"github.com/dlbench/dlbench/metrics/record"
)

// Entry is a record as the index knows it.
type Entry struct {
	ID       string    `json:"id"`
	Created  time.Time `json:"created"`
	Suite    string    `json:"suite"`
	Host     string    `json:"host"`
	CPU      string    `json:"cpu"`
	Status   string    `json:"status"`
	Measured int       `json:"measured"` // cells that may be ranked
	Cells    int       `json:"cells"`
	Broken   string    `json:"broken,omitempty"` // why the file cannot be read
}

// indexVersion is that of the tables; another one is made anew.
const indexVersion = 1

const tables = `CREATE TABLE records (id TEXT PRIMARY KEY, size INTEGER, modified INTEGER, created TEXT, suite TEXT, host TEXT, cpu TEXT,
	status TEXT, measured INTEGER, cells INTEGER, broken TEXT) WITHOUT ROWID; PRAGMA user_version = 1`

// List is every record, oldest first.
func (s *Store) List() ([]Entry, error) {
	var entries []Entry
	err := s.locked(func() error { return s.healed(func(db *sql.DB) (err error) { entries, err = list(db); return err }) })
	return entries, err
}

// Reindex makes the index anew from the files.
func (s *Store) Reindex() error {
	return s.locked(func() error {
		return errors.Join(s.dropIndex(), s.healed(func(*sql.DB) error { return nil }))
	})
}

func (s *Store) indexPath() string { return filepath.Join(s.dir, "index.sqlite") }

func (s *Store) dropIndex() error {
	var faults []error
	for _, end := range []string{"", "-journal", "-wal", "-shm"} {
		if err := os.Remove(s.indexPath() + end); !errors.Is(err, fs.ErrNotExist) {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

// healed uses an index that agrees with the files. One that does not work is
// thrown away and made again, once.
func (s *Store) healed(use func(*sql.DB) error) error {
	if s.with(use) == nil {
		return nil
	}
	if err := s.dropIndex(); err != nil {
		return err
	}
	if err := s.with(use); err != nil {
		return fmt.Errorf("index the history: %w", err)
	}
	return nil
}

func (s *Store) with(use func(*sql.DB) error) (err error) {
	db, err := sql.Open("sqlite", s.indexPath())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	var version int
	if err := db.QueryRow("PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version == 0 {
		if _, err := db.Exec(tables); err != nil {
			return err
		}
		version = indexVersion
	}
	if version != indexVersion {
		return fmt.Errorf("the index has version %d, expected %d", version, indexVersion)
	}
	if err := s.update(db); err != nil {
		return err
	}
	return use(db)
}

// stamp tells whether a file is the one that was indexed.
type stamp struct{ size, modified int64 }

// update takes in the files that are new or changed, and forgets those gone.
func (s *Store) update(db *sql.DB) error {
	known, err := stamps(db)
	if err != nil {
		return err
	}
	files, err := os.ReadDir(filepath.Join(s.dir, "records"))
	if err != nil {
		return err
	}
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // nothing after Commit
	for _, f := range files {
		id, isRecord := strings.CutSuffix(f.Name(), ".json")
		info, err := f.Info()
		if !isRecord || !idPattern.MatchString(id) || err != nil {
			continue // a file being written, or gone meanwhile
		}
		now := stamp{info.Size(), info.ModTime().UnixNano()}
		if known[id] != now {
			if err := s.insert(tx, id, now); err != nil {
				return err
			}
		}
		delete(known, id)
	}
	for id := range known {
		if _, err := tx.Exec("DELETE FROM records WHERE id = ?", id); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func stamps(db *sql.DB) (map[string]stamp, error) {
	rows, err := db.Query("SELECT id, size, modified FROM records")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	known := map[string]stamp{}
	for rows.Next() {
		var id string
		var st stamp
		if err := rows.Scan(&id, &st.size, &st.modified); err != nil {
			return nil, err
		}
		known[id] = st
	}
	return known, rows.Err()
}

// insert reads a file into the index; one that is broken stands there with the
// reason, so that it is neither silent nor in the way of the others.
func (s *Store) insert(tx *sql.Tx, id string, at stamp) error {
	e := Entry{}
	if r, err := record.Read(s.recordPath(id)); err != nil {
		e.Broken = err.Error()
	} else {
		e = Entry{Created: r.Created, Suite: r.Suite, Host: r.Environment.Host, CPU: r.Environment.CPU, Status: r.Status, Cells: len(r.Cells)}
		for i := range r.Cells {
			if r.Cells[i].Ranked() {
				e.Measured++
			}
		}
	}
	_, err := tx.Exec("INSERT OR REPLACE INTO records VALUES (?,?,?,?,?,?,?,?,?,?,?)", id, at.size, at.modified,
		e.Created.UTC().Format(time.RFC3339Nano), e.Suite, e.Host, e.CPU, e.Status, e.Measured, e.Cells, e.Broken)
	return err
}

func list(db *sql.DB) ([]Entry, error) {
	rows, err := db.Query("SELECT id, created, suite, host, cpu, status, measured, cells, broken FROM records ORDER BY id")
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	entries := []Entry{}
	for rows.Next() {
		var e Entry
		var created string
		if err := rows.Scan(&e.ID, &created, &e.Suite, &e.Host, &e.CPU, &e.Status, &e.Measured, &e.Cells, &e.Broken); err != nil {
			return nil, err
		}
		if e.Created, err = time.Parse(time.RFC3339Nano, created); err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, rows.Err()
}
