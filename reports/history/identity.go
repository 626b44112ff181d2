package history

import (
	"context"
	"database/sql"
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
)

// identity is what says on which machine and branch a record was measured.
type identity struct{ id, host, fingerprint, machine, branch string }

func identityOf(id string, rec *record.Record) identity {
	e := rec.Environment
	return identity{id: id, host: e.Host, fingerprint: e.Fingerprint, machine: e.Machine, branch: rec.Branch}
}

// labelled is the identity with what was said when the record was added.
func (i identity) labelled(all labels) identity {
	l := all[i.id]
	if l.Machine != "" {
		i.machine = l.Machine
	}
	if l.Branch != "" {
		i.branch = l.Branch
	}
	return i
}

// machines tells which records are of one machine. Host names change on hired
// runners and in containers: a name that was given (--machine) says more than a
// fingerprint of the hardware, and that more than a host name. A record of an
// older dlbench, which has only a host name, belongs to the one fingerprint
// that was seen with that name, and a fingerprint to the one name that was
// given to it; where there are several, nobody knows, and it stays apart.
type machines struct{ fingerprints, names map[string][]string }

func knownMachines(all []identity) machines {
	m := machines{fingerprints: map[string][]string{}, names: map[string][]string{}}
	add := func(to map[string][]string, key, value string) {
		if key != "" && value != "" && !slices.Contains(to[key], value) {
			to[key] = append(to[key], value)
		}
	}
	for _, i := range all {
		add(m.fingerprints, i.host, i.fingerprint)
		add(m.names, i.fingerprint, i.machine)
		if i.fingerprint == "" {
			add(m.names, "host "+i.host, i.machine)
		}
	}
	return m
}

// of is the machine of a record, the same text for all records of one.
func (m machines) of(i identity) string {
	if i.machine != "" {
		return "machine " + i.machine
	}
	key := i.fingerprint
	if key == "" {
		if prints := m.fingerprints[i.host]; len(prints) == 1 {
			key = prints[0]
		} else if names := m.names["host "+i.host]; len(names) == 1 {
			return "machine " + names[0]
		} else {
			return "host " + i.host
		}
	}
	if names := m.names[key]; len(names) == 1 {
		return "machine " + names[0]
	}
	return "hardware " + key
}

// identities are those of all records, labels applied.
func (h *History) identities(ctx context.Context, db *sql.DB) (map[string]identity, machines, error) {
	all, err := h.readLabels()
	if err != nil {
		return nil, machines{}, err
	}
	rows, err := db.QueryContext(ctx, `SELECT id, host, fingerprint, machine, branch FROM records`)
	if err != nil {
		return nil, machines{}, err
	}
	defer func() { _ = rows.Close() }() // rows.Err has what matters
	byID := map[string]identity{}
	var list []identity
	for rows.Next() {
		var i identity
		if err := rows.Scan(&i.id, &i.host, &i.fingerprint, &i.machine, &i.branch); err != nil {
			return nil, machines{}, err
		}
		i = i.labelled(all)
		byID[i.id] = i
		list = append(list, i)
	}
	return byID, knownMachines(list), rows.Err()
}

// Line says which records are held against one another: those of one machine
// and one branch.
type Line struct{ of identity }

// LineOf is the line that a record belongs to, if it was measured on a machine
// of this name and for this branch; empty names are what the record says.
func LineOf(rec *record.Record, machine, branch string) Line {
	i := identityOf("", rec)
	if machine != "" {
		i.machine = machine
	}
	if branch != "" {
		i.branch = branch
	}
	return Line{of: i}
}

// String names the line.
func (l Line) String() string {
	name := l.of.shown()
	if l.of.branch != "" {
		name += ", branch " + l.of.branch
	}
	return name
}

// outside says why a record is not of the line; empty when it is.
func (l Line) outside(i identity, known machines) string {
	switch {
	case known.of(i) != known.of(l.of):
		return "it is of another machine: " + i.shown()
	case i.branch != l.of.branch:
		if i.branch == "" {
			return "it is of no branch"
		}
		return "it is of another branch: " + i.branch
	}
	return ""
}

// shown names the machine for people.
func (i identity) shown() string {
	if i.machine != "" {
		return i.machine
	}
	return i.host
}
