package history

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
)

// Point is a figure of one record.
type Point struct {
	ID      string
	Created time.Time
	Place   Place
	Shape   string // what the workload computes
	Figure
	facts []sharedText
}

// LeftOut is a record that has the cell, and no figure of it.
type LeftOut struct {
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Reason  string    `json:"reason"`
}

// sharedText is a text that many points have; Facts decodes it when asked.
type sharedText string

// Facts are what may explain a change up to this point.
func (p Point) Facts() ([]Fact, error) {
	var all []Fact
	for _, text := range p.facts {
		var facts []Fact
		if err := json.Unmarshal([]byte(text), &facts); err != nil {
			return nil, fmt.Errorf("facts of record %s: %w", p.ID, err)
		}
		all = append(all, facts...)
	}
	return all, nil
}

// Series chooses the figures that Points returns.
type Series struct {
	Workload, Runner string
	Metric           Metric
	Host             string // or the name that was given to the machine; all when empty
	Line             *Line  // only figures of its machine and branch; all when nil
}

// Points are a cell's figures, oldest first, and the records that have none. Of
// one campaign's records (an interrupted one that was resumed) the last counts.
func (h *History) Points(ctx context.Context, s Series) (points []Point, left []LeftOut, err error) {
	err = h.query(ctx, func(db *sql.DB) error {
		points, left = nil, nil
		texts, err := selectTexts(ctx, db)
		if err != nil {
			return err
		}
		byID, known, err := h.identities(ctx, db)
		if err != nil {
			return err
		}
		rows, err := db.QueryContext(ctx, `SELECT r.id, r.created, r.campaign, r.place, r.facts, c.status, c.reason, c.shape, c.facts,
			coalesce(f.value, 0), coalesce(f.low, 0), coalesce(f.high, 0), coalesce(f.level, 0), coalesce(f.n, 0), f.value IS NOT NULL
			FROM cells c JOIN records r ON r.id = c.record
			LEFT JOIN figures f ON f.workload = c.workload AND f.runner = c.runner AND f.metric = ? AND f.record = c.record
			WHERE c.workload = ? AND c.runner = ?
			ORDER BY r.created, r.campaign, r.updated DESC, r.id`, string(s.Metric), s.Workload, s.Runner)
		if err != nil {
			return err
		}
		defer func() { _ = rows.Close() }() // rows.Err has what matters
		last, places := "", map[int64]Place{}
		for rows.Next() {
			row, err := scanPoint(rows, texts, places)
			if err != nil {
				return err
			}
			of := byID[row.ID]
			if s.Host != "" && s.Host != of.host && s.Host != of.machine {
				continue
			}
			row.Place.Machine, row.Place.Branch = known.of(of), of.branch
			if s.Line != nil {
				if why := s.Line.outside(of, known); why != "" {
					left = append(left, LeftOut{row.ID, row.Created, why})
					continue
				}
			}
			switch {
			case row.campaign == last:
				left = append(left, LeftOut{row.ID, row.Created, "a later record of the same run is there"})
			case !row.measured:
				left = append(left, LeftOut{row.ID, row.Created, row.why(s.Metric)})
			default:
				points = append(points, row.Point)
			}
			last = row.campaign
		}
		return rows.Err()
	})
	return points, left, err
}

// pointRow is a row of the query of Points.
type pointRow struct {
	Point
	campaign, status, reason string
	measured                 bool
}

func (r pointRow) why(m Metric) string {
	if r.status == record.Measured {
		return fmt.Sprintf("it has no figure for %s", m)
	}
	if r.reason == "" {
		return r.status
	}
	return r.status + ": " + r.reason
}

// scanPoint reads a row; places are those that rows had before, by their texts.
func scanPoint(rows *sql.Rows, texts map[int64]sharedText, places map[int64]Place) (pointRow, error) {
	var r pointRow
	var created, place, recordFacts, cellFacts int64
	if err := rows.Scan(&r.ID, &created, &r.campaign, &place, &recordFacts, &r.status, &r.reason, &r.Shape, &cellFacts,
		&r.Value, &r.Low, &r.High, &r.Level, &r.N, &r.measured); err != nil {
		return r, err
	}
	r.Created = time.Unix(0, created).UTC()
	r.facts = []sharedText{texts[cellFacts], texts[recordFacts]}
	known, there := places[place]
	if !there {
		if err := json.Unmarshal([]byte(texts[place]), &known); err != nil {
			return r, fmt.Errorf("place of record %s: %w", r.ID, err)
		}
		places[place] = known
	}
	r.Place = known
	return r, nil
}

func selectTexts(ctx context.Context, db *sql.DB) (map[int64]sharedText, error) {
	rows, err := db.QueryContext(ctx, `SELECT key, text FROM texts`)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }() // rows.Err has what matters
	texts := map[int64]sharedText{}
	for rows.Next() {
		var key int64
		var text string
		if err := rows.Scan(&key, &text); err != nil {
			return nil, err
		}
		texts[key] = sharedText(text)
	}
	return texts, rows.Err()
}
