package history

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/dlbench/dlbench/metrics/record"
)

// inserter puts records into the index, within one transaction.
type inserter struct {
	ctx                              context.Context
	tx                               *sql.Tx
	files, texts, records, cells, fs *sql.Stmt
	keys                             map[string]int64 // of texts that are in the index
}

func newInserter(ctx context.Context, tx *sql.Tx) (*inserter, error) {
	in := &inserter{ctx: ctx, tx: tx, keys: map[string]int64{}}
	for _, s := range []struct {
		at   **sql.Stmt
		text string
	}{
		{&in.files, `INSERT INTO files VALUES (?, ?, ?, ?)`},
		{&in.texts, `INSERT INTO texts (text) VALUES (?) ON CONFLICT (text) DO UPDATE SET text = text RETURNING key`},
		{&in.records, `INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
		{&in.cells, `INSERT INTO cells VALUES (?, ?, ?, ?, ?, ?, ?)`},
		{&in.fs, `INSERT INTO figures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`},
	} {
		statement, err := tx.PrepareContext(ctx, s.text)
		if err != nil {
			in.close()
			return nil, err
		}
		*s.at = statement
	}
	return in, nil
}

func (in *inserter) close() {
	for _, s := range []*sql.Stmt{in.files, in.texts, in.records, in.cells, in.fs} {
		if s != nil {
			_ = s.Close() // the transaction tells what went wrong
		}
	}
}

// file inserts what a file holds.
func (in *inserter) file(name string, s stamp, c content) error {
	if c.problem == "" {
		twin := ""
		err := in.tx.QueryRowContext(in.ctx, `SELECT name FROM records WHERE id = ?`, c.id).Scan(&twin)
		switch {
		case err == nil:
			c.problem = "is the same record as " + twin
		case errors.Is(err, sql.ErrNoRows):
			err = in.record(name, c.id, c.record)
		}
		if err != nil {
			return err
		}
	}
	_, err := in.files.ExecContext(in.ctx, name, s.size, s.modified, c.problem)
	return err
}

func (in *inserter) record(name, id string, rec *record.Record) error {
	versions := map[string]string{}
	for _, r := range rec.Runners {
		versions[r.Name] = r.FrameworkVersion
	}
	var keys [3]int64
	for i, value := range []any{versions, PlaceOf(rec), recordFacts(rec)} {
		key, err := in.text(value)
		if err != nil {
			return err
		}
		keys[i] = key
	}
	_, err := in.records.ExecContext(in.ctx, id, name, rec.Created.UnixNano(), rec.Updated.UnixNano(), rec.Suite, rec.Profile,
		rec.Environment.Host, rec.Environment.Fingerprint, rec.Environment.Machine, rec.Branch, rec.Environment.CPU, rec.Status, campaign(rec), keys[0], keys[1], keys[2])
	if err != nil {
		return err
	}
	for i := range rec.Cells {
		if err := in.cell(id, rec, &rec.Cells[i]); err != nil {
			return err
		}
	}
	return nil
}

func (in *inserter) cell(id string, rec *record.Record, c *record.Cell) error {
	facts, err := in.text(cellFacts(rec, c))
	if err != nil {
		return err
	}
	reason := c.Reason
	if reason == "" && !c.Ranked() {
		reason = "parity " + c.Parity.Status
	}
	if _, err := in.cells.ExecContext(in.ctx, c.Workload, c.Runner, id, c.Status, reason, ShapeOf(rec.Workload(c.Workload)), facts); err != nil {
		return err
	}
	for metric, f := range figuresOf(c) {
		if _, err := in.fs.ExecContext(in.ctx, c.Workload, c.Runner, string(metric), id, f.Value, f.Low, f.High, f.Level, f.N); err != nil {
			return err
		}
	}
	return nil
}

// text is the key of a value's JSON among the texts.
func (in *inserter) text(value any) (int64, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return 0, err
	}
	if key, ok := in.keys[string(data)]; ok {
		return key, nil
	}
	var key int64
	if err := in.texts.QueryRowContext(in.ctx, string(data)).Scan(&key); err != nil {
		return 0, err
	}
	in.keys[string(data)] = key
	return key, nil
}
