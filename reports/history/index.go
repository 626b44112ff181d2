package history

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// indexVersion changes with the schema, and with what is put into it.
const indexVersion = 4

// The texts that many rows share (machines, versions) stand once, in texts.
const schema = `
CREATE TABLE files (name TEXT PRIMARY KEY, size INTEGER NOT NULL, modified INTEGER NOT NULL, problem TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE texts (key INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE records (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, created INTEGER NOT NULL, updated INTEGER NOT NULL,
 suite TEXT NOT NULL, profile TEXT NOT NULL, host TEXT NOT NULL, fingerprint TEXT NOT NULL, machine TEXT NOT NULL, branch TEXT NOT NULL, cpu TEXT NOT NULL, status TEXT NOT NULL, campaign TEXT NOT NULL,
 versions INTEGER NOT NULL, place INTEGER NOT NULL, facts INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX records_by_time ON records (created DESC, id);
CREATE TABLE cells (workload TEXT NOT NULL, runner TEXT NOT NULL, record TEXT NOT NULL, status TEXT NOT NULL, reason TEXT NOT NULL,
 shape TEXT NOT NULL, facts INTEGER NOT NULL, PRIMARY KEY (workload, runner, record)) WITHOUT ROWID;
CREATE INDEX cells_by_record ON cells (record);
CREATE TABLE figures (workload TEXT NOT NULL, runner TEXT NOT NULL, metric TEXT NOT NULL, record TEXT NOT NULL,
 value REAL NOT NULL, low REAL NOT NULL, high REAL NOT NULL, level REAL NOT NULL, n INTEGER NOT NULL,
 PRIMARY KEY (workload, runner, metric, record)) WITHOUT ROWID;
CREATE INDEX figures_by_record ON figures (record);
`

// errStale says that the index is not what the files would make.
var errStale = errors.New("the index is out of date")

// broken says whether an error means that the index has to be made anew: it is
// no database, is damaged, has other tables than expected, or rows that no
// program of ours put there.
func broken(err error) bool {
	var syntax *json.SyntaxError
	var mistyped *json.UnmarshalTypeError
	switch code := sqliteCode(err); {
	case code >= 0:
		return slices.Contains([]int{sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_SCHEMA,
			sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH}, code)
	case errors.As(err, &syntax), errors.As(err, &mistyped): // a text of its rows: those of the files beside it are refusals
		return true
	}
	return err != nil && strings.Contains(err.Error(), "sql: Scan error on column") // database/sql has no type for it
}

// sqliteCode is SQLite's primary code of an error, negative if it has none.
func sqliteCode(err error) int {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return -1
	}
	return e.Code() & 0xff
}

// withIndex opens the index; errStale if there is none of this version.
func (h *History) withIndex(ctx context.Context, use func(*sql.DB) error) error {
	if _, err := os.Stat(h.indexPath()); errors.Is(err, fs.ErrNotExist) {
		return errStale
	}
	return h.open(func(db *sql.DB) error {
		version := 0
		if err := db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil {
			return err
		}
		if version != indexVersion {
			return errStale
		}
		return use(db)
	})
}

// makeIndex makes an empty index and fills it.
func (h *History) makeIndex(ctx context.Context, fill func(*sql.DB) error) error {
	return h.open(func(db *sql.DB) error {
		if _, err := db.ExecContext(ctx, schema); err != nil {
			return err
		}
		if err := fill(db); err != nil {
			return err
		}
		// Last, so that an index which was not filled to its end is none.
		_, err := db.ExecContext(ctx, fmt.Sprintf(`PRAGMA user_version = %d`, indexVersion))
		return err
	})
}

// open opens the database for one use. Nothing is kept open between uses: the
// file may be another one by then. Its journal is SQLite's own, not a log
// beside it: the lock parts readers and writers already, and one file is
// removed more safely than three.
func (h *History) open(use func(*sql.DB) error) (err error) {
	name := "file:" + (&url.URL{Path: h.indexPath()}).EscapedPath() + "?_pragma=busy_timeout(10000)&_pragma=synchronous(NORMAL)"
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return fmt.Errorf("open the index %s: %w", h.indexPath(), err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	if err := use(db); sqliteCode(err) == sqlite3.SQLITE_FULL {
		return fmt.Errorf("index %s: %w", h.indexPath(), syscall.ENOSPC) // as every other full disk
	} else if err != nil {
		return fmt.Errorf("index %s: %w", h.indexPath(), err)
	}
	return nil
}

// dropIndex removes the index and what SQLite may have left beside it.
func (h *History) dropIndex() error {
	for _, suffix := range []string{"", "-journal", "-wal", "-shm"} {
		if err := os.Remove(h.indexPath() + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove the old index: %w", err)
		}
	}
	return nil
}
