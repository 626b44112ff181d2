package nodes

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/compare"
	"github.com/dlbench/dlbench/reports/ranking"
)

// Difference is a fact in which a node is not as most others of its kind.
type Difference struct {
	Fact   string `json:"fact"`
	Here   string `json:"here"`
	Others string `json:"others"` // what most have
	Have   int    `json:"have"`   // how many have that
	Of     int    `json:"of"`     // of how many of the kind
}

// Told is a warning's code, and how often it is told.
type Told struct {
	Code  string `json:"code"`
	Times int    `json:"times"`
}

// fact is something that should be the same on all nodes. A level is a number
// that is never quite the same, like a clock: it differs by more than nearby.
type fact struct {
	name, value string
	level       float64 // 0 if the value is compared as it is
	unit        string
}

// nearby is how far a level may be from the middle one, as a share.
const nearby = 0.02

// factsOf are the facts of a record, those that most likely made a difference
// first.
func factsOf(r *record.Record) []fact {
	var facts []fact
	for _, l := range summary.Levels(r) {
		facts = append(facts, fact{name: l.Name, level: l.Value, unit: l.Unit})
	}
	for _, f := range compare.FactsOf(r) {
		facts = append(facts, fact{name: f.Name, value: f.Value})
	}
	return facts
}

// toldOf are the warnings of a record by their codes.
func toldOf(r *record.Record) []Told {
	var told []Told
	for _, w := range r.Warnings {
		i := slices.IndexFunc(told, func(t Told) bool { return t.Code == w.Code })
		if i < 0 {
			i = len(told)
			told = append(told, Told{Code: w.Code})
		}
		told[i].Times++
	}
	return told
}

// majority is what most nodes of each kind have.
type majority struct{ kinds map[string]*usual }

// usual is what most nodes of one kind have.
type usual struct {
	nodes  int
	counts map[string]map[string]int // by fact, by value
	levels map[string][]float64
	codes  map[string]int
}

func newMajority(members []member) majority {
	all := majority{map[string]*usual{}}
	for _, m := range members {
		if m.status == "" {
			continue
		}
		u := all.kinds[m.figures.Kind]
		if u == nil {
			u = &usual{counts: map[string]map[string]int{}, levels: map[string][]float64{}, codes: map[string]int{}}
			all.kinds[m.figures.Kind] = u
		}
		u.nodes++
		for _, f := range m.facts {
			if f.level != 0 {
				u.levels[f.name] = append(u.levels[f.name], f.level)
				continue
			}
			if u.counts[f.name] == nil {
				u.counts[f.name] = map[string]int{}
			}
			u.counts[f.name][f.value]++
		}
		for _, t := range m.warnings {
			u.codes[t.Code]++
		}
	}
	return all
}

// most is the value that the most nodes have of a fact; of several the least in
// order, so that the report is always the same.
func (u *usual) most(name string) (value string, have int) {
	for v, n := range u.counts[name] {
		if n > have || n == have && v < value {
			value, have = v, n
		}
	}
	return value, have
}

// facts are those in which a node is not as most of its kind.
func (all majority) facts(m member) []Difference {
	u := all.kinds[m.figures.Kind]
	differs := []Difference{}
	for _, f := range m.facts {
		if f.level != 0 {
			if middle := summary.Middle(u.levels[f.name]); math.Abs(f.level/middle-1) > nearby {
				differs = append(differs, Difference{f.name, ranking.Figure(f.level, 0) + " " + f.unit, ranking.Figure(middle, 0) + " " + f.unit, len(u.levels[f.name]), u.nodes})
			}
			continue
		}
		if value, have := u.most(f.name); value != f.value {
			differs = append(differs, Difference{f.name, said(f.value), said(value), have, u.nodes})
		}
	}
	return differs
}

func said(value string) string { return cmp.Or(value, "unknown") }

// warnings are those of a node that less than half of its kind have.
func (all majority) warnings(m member) []Told {
	u := all.kinds[m.figures.Kind]
	told := []Told{}
	for _, t := range m.warnings {
		if 2*u.codes[t.Code] < u.nodes || u.nodes == 1 {
			told = append(told, t)
		}
	}
	return told
}

// words are a difference for people.
func (d Difference) words() string {
	return fmt.Sprintf("%s %s (others: %s)", d.Fact, d.Here, d.Others)
}

func (t Told) words() string {
	if t.Times == 1 {
		return t.Code
	}
	return fmt.Sprintf("%s ×%d", t.Code, t.Times)
}

// clockWords are how far a clock is off, in seconds.
func clockWords(ahead float64) string {
	off := time.Duration(math.Abs(ahead) * float64(time.Second)).Round(time.Second)
	if ahead < 0 {
		return off.String() + " behind"
	}
	return off.String() + " ahead"
}

// mostDiffers is how many facts a table tells of a node.
const mostDiffers = 8

// special is everything that is not as on the others, in one text.
func (n Node) special() string {
	var parts []string
	if n.Ahead != 0 {
		parts = append(parts, "its clock is "+clockWords(n.Ahead))
	}
	for _, t := range n.Warnings {
		parts = append(parts, t.words())
	}
	for i, d := range n.Differs {
		if i == mostDiffers {
			parts = append(parts, fmt.Sprintf("and %d more facts, which nodes.json and --json have", len(n.Differs)-i))
			break
		}
		parts = append(parts, d.words())
	}
	return strings.Join(parts, "; ")
}
