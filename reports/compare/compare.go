// Package compare sets a new record against an old one: what became faster or
// slower of what both hold, and why that may mean nothing.
//
// Two stored records share no rounds, so that their processes are independent
// samples: ratios are Hodges–Lehmann's on logarithms, with the exact rank-sum
// interval. That is weaker than measuring both again, interleaved.
package compare

import (
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// Source is a record with the name of its file.
type Source struct {
	File   string
	Record *record.Record
}

// Comparison is all that every view of two records shows.
type Comparison struct {
	Old        Side             `json:"old"`
	New        Side             `json:"new"`
	Warnings   record.Warnings  `json:"notes"`       // of what may have made a difference beside the frameworks
	Cells      []Cell           `json:"cells"`       // measured in both, in the order of the new record
	Means      []Mean           `json:"means"`       // of the ranked cells, one a mode
	OldOverall []record.Overall `json:"old_overall"` // what each mode comes to, as the records have it
	NewOverall []record.Overall `json:"new_overall"`
	OnlyOld    []Listed         `json:"only_old"`  // not in the new record at all
	OnlyNew    []Listed         `json:"only_new"`  // not in the old record at all
	Differing  []Changed        `json:"differing"` // other status or parity: no ratio would mean anything
	Neither    []Listed         `json:"neither"`   // in both, alike, without figures
}

// Side says which record it was.
type Side struct {
	File           string    `json:"file"`
	Suite          string    `json:"suite"`
	Profile        string    `json:"profile"`
	Created        time.Time `json:"created"`
	Status         string    `json:"status"`
	Rounds         int       `json:"rounds"`
	Host           string    `json:"host"`
	CPU            string    `json:"cpu"`
	DlbenchVersion string    `json:"dlbench_version"`
}

// Mean holds the geometric means over the ranked cells of a mode in both records:
// of images per second on each side, and of the cells' ratios. It has no
// interval: what disturbed one cell of a record may have disturbed all.
type Mean struct {
	Mode  string  `json:"mode"`
	Cells int     `json:"cells"`
	Old   float64 `json:"old"`
	New   float64 `json:"new"`
	Ratio float64 `json:"ratio"`
}

// Of compares two records.
func Of(older, newer Source) *Comparison {
	c := &Comparison{Old: sideOf(older), New: sideOf(newer), Cells: []Cell{}, OldOverall: overall(older), NewOverall: overall(newer),
		OnlyOld: []Listed{}, OnlyNew: []Listed{}, Differing: []Changed{}, Neither: []Listed{}}
	for i := range newer.Record.Cells {
		b := &newer.Record.Cells[i]
		c.place(older.Record, newer.Record, older.Record.Cell(b.Workload, b.Runner), b)
	}
	for i := range older.Record.Cells {
		if a := &older.Record.Cells[i]; newer.Record.Cell(a.Workload, a.Runner) == nil {
			c.OnlyOld = append(c.OnlyOld, listed(a))
		}
	}
	c.Means = meansOf(newer.Record, c.Cells)
	c.Warnings = warningsAbout(older.Record, newer.Record, c.Cells)
	return c
}

// place puts a cell of the new record where it belongs.
func (c *Comparison) place(older, newer *record.Record, a, b *record.Cell) {
	switch {
	case a == nil:
		c.OnlyNew = append(c.OnlyNew, listed(b))
	case a.Status != b.Status || a.Parity.Status != b.Parity.Status:
		c.Differing = append(c.Differing, Changed{Workload: b.Workload, Runner: b.Runner, Old: stateOf(a), New: stateOf(b)})
	default:
		if cell, ok := cellOf(older, newer, a, b); ok {
			c.Cells = append(c.Cells, cell)
		} else {
			c.Neither = append(c.Neither, listed(b))
		}
	}
}

func sideOf(s Source) Side {
	r := s.Record
	return Side{File: s.File, Suite: r.Suite, Profile: r.Profile, Created: r.Created, Status: r.Status, Rounds: r.Rounds,
		Host: r.Environment.Host, CPU: r.Environment.CPU, DlbenchVersion: r.DlbenchVersion}
}

// overall is never nil, so that JSON has a list.
func overall(s Source) []record.Overall { return append([]record.Overall{}, s.Record.Overall...) }

// meansOf are the means of the modes, in the order of the record's workloads;
// those without a ranked cell are left out.
func meansOf(r *record.Record, cells []Cell) []Mean {
	means := []Mean{}
	for _, mode := range r.Modes() {
		var olds, news, ratios []float64
		for _, c := range cells {
			if c.Verdict != NotRanked && c.Verdict != OtherInputs && r.Workload(c.Workload).Mode == mode {
				olds, news, ratios = append(olds, c.Old.Median), append(news, c.New.Median), append(ratios, c.Ratio)
			}
		}
		if len(ratios) > 0 {
			means = append(means, Mean{Mode: mode, Cells: len(ratios), Old: summary.Mean(olds), New: summary.Mean(news), Ratio: summary.Mean(ratios)})
		}
	}
	return means
}
