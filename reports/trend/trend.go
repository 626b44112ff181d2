// Package trend tells how a figure of one runner on one workload went over
// time, and where it changed.
//
// Figures of different machines, or measured under different terms, are
// different lines: they are never joined, and no change is looked for from one
// to the other.
package trend

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/history"
)

// Weaker is what has to be said of every change that is found here.
const Weaker = "Change points of stored history are weaker evidence than a re-run: the figures were measured at different times, and what else changed on the machine is in no record. To be sure, measure the version before and the one after again, in the same rounds."

// Level is the rate of false alarms of a line without a change, if nobody
// asks for another.
const Level = 0.01

// Trend is a figure over time.
type Trend struct {
	Workload string            `json:"workload"`
	Runner   string            `json:"runner"`
	Metric   history.Metric    `json:"metric"`
	Unit     string            `json:"unit"`
	Note     string            `json:"note"`
	Level    float64           `json:"level"` // of the change points
	Lines    []Line            `json:"lines"` // the longest first
	LeftOut  []history.LeftOut `json:"left_out"`
}

// Line are the figures of one machine under one set of terms, oldest first.
type Line struct {
	Place   history.Place `json:"place"`
	Shape   string        `json:"shape"` // what the workload computes
	Points  []Point       `json:"points"`
	Changes []Change      `json:"changes"`
}

// Point is one record's figure.
type Point struct {
	ID      string    `json:"id"`
	Created time.Time `json:"time"`
	history.Figure
}

// Change is where a line's level changed.
type Change struct {
	Index   int          `json:"index"` // of the first point after it
	ID      string       `json:"id"`    // of that point's record
	Created time.Time    `json:"time"`
	Last    string       `json:"last_before"` // the ID of the point before it
	P       float64      `json:"p"`
	Before  float64      `json:"before"` // median of the level
	After   float64      `json:"after"`
	Ratio   float64      `json:"ratio"`   // after over before; 0 when before is 0
	Changed []Difference `json:"changed"` // between the two records; empty when the records differ in nothing that may explain it
	Near    []Difference `json:"near"`    // other facts that changed within two records of it: where it is, is not known better
}

// Difference is a fact that two records do not share.
type Difference struct {
	Fact   string `json:"fact"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// Of makes the trend of what a history holds. It has no lines when the history
// has no such figure.
func Of(ctx context.Context, h *history.History, s history.Series, level float64) (*Trend, error) {
	points, left, err := h.Points(ctx, s)
	if err != nil {
		return nil, err
	}
	t := &Trend{Workload: s.Workload, Runner: s.Runner, Metric: s.Metric, Unit: s.Metric.Unit(), Note: Weaker, Level: level,
		Lines: []Line{}, LeftOut: left}
	if t.LeftOut == nil {
		t.LeftOut = []history.LeftOut{}
	}
	for _, group := range parted(points) {
		line, err := lineOf(group, level)
		if err != nil {
			return nil, err
		}
		t.Lines = append(t.Lines, line)
	}
	slices.SortStableFunc(t.Lines, func(a, b Line) int { return cmp.Compare(len(b.Points), len(a.Points)) })
	return t, nil
}

// parted parts points by what has to be the same for them to be compared, in
// the order in which each first came.
func parted(points []history.Point) [][]history.Point {
	type key struct {
		place history.Place
		shape string
	}
	var groups [][]history.Point
	number := map[key]int{}
	for _, p := range points {
		k := key{p.Place.Line(), p.Shape}
		i, ok := number[k]
		if !ok {
			i = len(groups)
			number[k] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], p)
	}
	return groups
}

func lineOf(points []history.Point, level float64) (Line, error) {
	line := Line{Place: points[0].Place, Shape: points[0].Shape, Changes: []Change{}}
	values := make([]float64, len(points))
	for i, p := range points {
		values[i] = p.Value
		line.Points = append(line.Points, Point{ID: p.ID, Created: p.Created, Figure: p.Figure})
	}
	for _, c := range summary.ChangePoints(values, level) {
		before, after := points[c.Index-1], points[c.Index]
		changed, near, err := changesAt(points, c.Index)
		if err != nil {
			return line, err
		}
		change := Change{Index: c.Index, ID: after.ID, Created: after.Created, Last: before.ID, P: c.P, Before: c.Before, After: c.After, Changed: changed, Near: near}
		if c.Before != 0 {
			change.Ratio = c.After / c.Before
		}
		line.Changes = append(line.Changes, change)
	}
	return line, nil
}

// vicinity is how many records a change point may be off: with a change of a few
// times the deviation it is nearly always within this.
const vicinity = 2

// changesAt are the facts that changed at a point, and those that changed near
// it.
func changesAt(points []history.Point, index int) (at, near []Difference, err error) {
	if at, err = Differences(points[index-1], points[index]); err != nil {
		return nil, nil, err
	}
	near, err = Differences(points[max(0, index-1-vicinity)], points[min(len(points)-1, index+vicinity)])
	near = slices.DeleteFunc(near, func(d Difference) bool {
		return slices.ContainsFunc(at, func(o Difference) bool { return o.Fact == d.Fact })
	})
	return at, near, err
}

// Differences are the facts in which two points differ.
func Differences(before, after history.Point) ([]Difference, error) {
	old, err := before.Facts()
	if err != nil {
		return nil, err
	}
	current, err := after.Facts()
	if err != nil {
		return nil, err
	}
	was := map[string]string{}
	for _, f := range old {
		was[f.Name] = f.Value
	}
	all := []Difference{}
	for _, f := range current {
		if was[f.Name] != f.Value {
			all = append(all, Difference{Fact: f.Name, Before: was[f.Name], After: f.Value})
		}
	}
	return all, nil
}
