package summary

import "github.com/dlbench/dlbench/metrics/record"

// Complete makes the figures of a record that the program which wrote it did
// not make, from its raw blocks: the overall of each mode. What is there stays as
// it was written.
func Complete(r *record.Record) {
	if len(r.Overall) == 0 {
		r.Overall = overall(r)
	}
}

// Read reads result.json, and completes what an older program wrote. It is how
// everything that presents a record reads one.
func Read(path string) (*record.Record, error) {
	r, err := record.Read(path)
	if err != nil {
		return nil, err
	}
	Complete(r)
	return r, nil
}
