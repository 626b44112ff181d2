package gate

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/compare"
	"github.com/dlbench/dlbench/reports/history"
	"github.com/dlbench/dlbench/reports/ranking"
	"github.com/dlbench/dlbench/reports/trend"
)

// Past is where the nights before a result are found: they say how much nights
// differ. Without a history that is assumed.
type Past struct {
	History *history.History // nil for none
	Line    *history.Line    // nil for the result's own
	Part    Part             // that the result is of a night
}

// lineOf is the line that a result is held against.
func (p Past) lineOf(result *record.Record) history.Line {
	if p.Line != nil {
		return *p.Line
	}
	return history.LineOf(result, "", "")
}

// course is one cell over the nights.
type course struct {
	compare.Cell                 // with what the two records say of it
	points       []history.Point // before tonight, oldest first, under the terms of tonight
	tonight      *history.Point  // nil if the history does not have it
}

// courses are the cells that are judged by levels, and what is known of them.
type courses struct {
	*Report
	result *record.Record
	cells  []course
	left   leftOut
}

// collect finds a cell's nights in the past.
func (s *courses) collect(ctx context.Context, past Past, c compare.Cell) error {
	one := course{Cell: c}
	defer func() { s.cells = append(s.cells, one) }()
	if past.History == nil {
		return nil
	}
	line := past.lineOf(s.result)
	points, left, err := past.History.Points(ctx, history.Series{Workload: c.Workload, Runner: c.Runner, Metric: history.Throughput, Line: &line})
	if err != nil {
		return err
	}
	for _, l := range left {
		if l.Created.Before(s.result.Created) {
			s.left.add(l.ID, l.Reason)
		}
	}
	place, shape := history.PlaceOf(s.result).Terms(), history.ShapeOf(s.result.Workload(c.Workload))
	for _, p := range points {
		switch {
		case p.Created.Equal(s.result.Created):
			one.tonight = &p
		case !p.Created.Before(s.result.Created):
		case p.Place.Terms() != place:
			s.left.add(p.ID, "it was measured under other terms or on other hardware: "+p.Place.String())
		case p.Shape != shape:
			s.left.add(p.ID, "the workload was of another size: "+p.Shape)
		default:
			one.points = append(one.points, p)
		}
	}
	return nil
}

// longest is how many nights are looked at, the newest: beyond that, other years
// tell nothing of tonight.
const longest = 200

// nights lays the courses out by night. Tonight is the last column.
func (s *courses) nights(baselines []*record.Record) *summary.Nights {
	byTime := map[int64]summary.Night{}
	for i, b := range baselines {
		at := s.when(i, b)
		byTime[at.UnixNano()] = summary.Night{Created: at, Named: true}
	}
	for _, c := range s.cells {
		for _, p := range c.points[max(0, len(c.points)-longest):] {
			ref := byTime[p.Created.UnixNano()]
			ref.ID, ref.Created = p.ID, p.Created
			byTime[p.Created.UnixNano()] = ref
		}
	}
	delete(byTime, s.result.Created.UnixNano())
	var nights []summary.Night
	for _, ref := range byTime {
		nights = append(nights, ref)
	}
	slices.SortFunc(nights, func(a, b summary.Night) int { return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID)) })
	nights = append(nights, summary.Night{Created: s.result.Created})
	l := summary.NewNights(nights)
	for _, c := range s.cells {
		l.Add(s.row(nights, c, baselines), summary.FigureNoise(throughputs(s.result, c.Cell)), s.Rule.change(c.Workload))
	}
	return l
}

// when is where a night of the baseline stands: before tonight, also if it is
// younger, or tonight itself.
func (s *courses) when(i int, baseline *record.Record) time.Time {
	if baseline.Created.Before(s.result.Created) {
		return baseline.Created
	}
	return s.result.Created.Add(-time.Duration(i + 1))
}

// row are a cell's figures, one for each night.
func (s *courses) row(nights []summary.Night, c course, baselines []*record.Record) []float64 {
	row := make([]float64, len(nights))
	column := map[int64]int{}
	for t, ref := range nights {
		row[t] = math.NaN()
		column[ref.Created.UnixNano()] = t
	}
	for _, p := range c.points {
		if t, ok := column[p.Created.UnixNano()]; ok && p.Value > 0 {
			row[t] = math.Log(p.Value)
		}
	}
	for i, b := range baselines {
		if cell := b.Cell(c.Workload, c.Runner); cell != nil && cell.Ranked() && cell.Throughput != nil && cell.Throughput.Median > 0 {
			row[column[s.when(i, b).UnixNano()]] = math.Log(cell.Throughput.Median)
		}
	}
	row[len(row)-1] = math.Log(c.New.Median)
	return row
}

// judge holds tonight against the level before.
func (s *courses) judge(baselines []*record.Record) error {
	if len(s.cells) == 0 {
		return nil
	}
	l := s.nights(baselines)
	found := l.Decide(l.Tonight(), s.Rule.P)
	told := l.ToldBefore(found, s.Rule.P)
	for i, c := range s.cells {
		f := found[i]
		cell := Cell{Workload: c.Workload, Runner: c.Runner, Method: Nights, Old: c.Old.Median, New: c.New.Median, Ratio: c.Ratio, Stages: []Test{}, Verdict: Undecided, Warnings: c.Warnings}
		if !f.Judged {
			s.find(Undecided, c.Workload, c.Runner, "no night before it was measured under these terms")
			s.Cells = append(s.Cells, cell)
			continue
		}
		cell.Old, cell.Ratio, cell.CILow, cell.CIHigh, cell.Level = f.Old, f.Ratio, f.Low, f.High, summary.Level
		cell.Stages = []Test{{Pairs: f.Base, P: f.P, Ratio: f.Ratio}}
		cell.Nights, cell.BaselineNights, cell.NightSpread, cell.Verdict = f.Window, f.Base, f.Spread, f.Verdict
		if since, ratio, p, ok := l.Absorbed(i); ok && f.Verdict == Unchanged && ratio <= 1-s.Rule.change(c.Workload) {
			s.find(SlowerAlready, c.Workload, c.Runner, "throughput %+.1f %% since %s (record %s), p = %.2g", 100*(ratio-1), since.Created.Format("2006-01-02"), since.ID, p)
		}
		if f.Verdict != Slower && f.Verdict != Faster {
			s.Cells = append(s.Cells, cell)
			continue
		}
		text := cell.size() + s.since(l, c, f)
		if told[i] {
			cell.Verdict = Unchanged
			if f.Verdict == Slower {
				s.find(SlowerAlready, c.Workload, c.Runner, "%s", text)
			}
		} else {
			s.find(cell.kind(), c.Workload, c.Runner, "%s", text)
		}
		s.Cells = append(s.Cells, cell)
	}
	return nil
}

// since says when a change began and what the records name that changed then.
func (s *courses) since(l *summary.Nights, c course, f summary.Outcome) string {
	first := l.Night(f.Since)
	points := c.points
	if c.tonight != nil {
		points = append(slices.Clone(points), *c.tonight)
	}
	i := slices.IndexFunc(points, func(p history.Point) bool { return p.Created.Equal(first.Created) })
	text := fmt.Sprintf("; %s against %s, which differ by %.1f %%", ranking.Count(f.Window, "night"), ranking.Count(f.Base, "night"), 100*f.Spread)
	if i < 0 { // tonight itself: the differences stand beside the findings
		return text
	}
	text += fmt.Sprintf("; since %s (record %s)", first.Created.Format("2006-01-02"), points[i].ID)
	if i == 0 {
		return text
	}
	changed, err := trend.Differences(points[i-1], points[i])
	if err != nil || len(changed) == 0 {
		return text + "; the records name nothing that changed then"
	}
	var facts []string
	for _, d := range changed {
		facts = append(facts, fmt.Sprintf("%s %s → %s", d.Fact, d.Before, d.After))
	}
	return text + "; what changed then: " + strings.Join(facts, "; ")
}

// leftOut are records that a result was not held against: reason → IDs.
type leftOut map[string]map[string]bool

func (l leftOut) add(id, reason string) {
	if l[reason] == nil {
		l[reason] = map[string]bool{}
	}
	l[reason][id] = true
}

// words are the reasons, those of most records first.
func (l leftOut) words() []string {
	type counted struct {
		reason string
		n      int
	}
	var all []counted
	for reason, ids := range l {
		all = append(all, counted{reason, len(ids)})
	}
	slices.SortFunc(all, func(a, b counted) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.reason, b.reason)) })
	var words []string
	const most = 10
	for i, c := range all {
		if i == most {
			words = append(words, fmt.Sprintf("and for %d more reasons", len(all)-most))
			break
		}
		words = append(words, fmt.Sprintf("%s: %s", ranking.Count(c.n, "record"), c.reason))
	}
	return words
}
