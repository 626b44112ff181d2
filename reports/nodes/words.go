package nodes

import (
	"fmt"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/ranking"
)

// headline is the answer in one line.
func (f *Fleet) headline() string {
	missing := ""
	if n := len(f.Missing); n > 0 {
		missing = fmt.Sprintf("; of %d shards %d have no whole record", f.Counts.Shards, n)
	}
	if f.Spread == record.ByWorkloads {
		ranked := 0
		for _, w := range f.Workloads {
			if w.measured() {
				ranked++
			}
		}
		return fmt.Sprintf("%s on %s%s", ranking.Count(ranked, "workload"), ranking.Count(distinct(f.Nodes), "node"), missing)
	}
	var slow []string
	for _, n := range f.Nodes {
		if n.Verdict == summary.SlowNode {
			slow = append(slow, fmt.Sprintf("%s (%s)", n.Node, percent(n.Ratio)))
		}
	}
	judged := fmt.Sprintf("nodes judged: %d", f.Counts.Judged)
	if f.Counts.Unknown > 0 {
		judged += fmt.Sprintf(", unknown: %d", f.Counts.Unknown)
	}
	switch {
	case f.Counts.Judged == 0:
		return "NOTHING JUDGED: " + f.nothing() + missing
	case len(slow) > 0:
		return "SLOW: " + ranking.Some(slow, mostSlow) + "; " + judged + missing
	}
	return "no node is slow, " + judged + missing
}

// nothing is why no node was judged.
func (f *Fleet) nothing() string {
	if len(f.Nodes) == 0 {
		return "there is no record"
	}
	return f.Nodes[0].Node + ": " + f.Nodes[0].Why
}

// note says what to mind.
func (c *Collection) note(f *Fleet) {
	add := func(format string, args ...any) { f.Notes = append(f.Notes, fmt.Sprintf(format, args...)) }
	if len(c.suites) > 1 {
		add("the records are of several suites: %s", strings.Join(c.suites, ", "))
	}
	kinds := map[string]int{}
	var off []string
	for _, n := range f.Nodes {
		kinds[n.Kind]++
		if n.Ahead != 0 {
			off = append(off, fmt.Sprintf("%s %s", n.Node, clockWords(n.Ahead)))
		}
	}
	if len(off) > 0 {
		add("clocks are apart: %s. What is measured is timed on each node by a clock that is never set, and is right; dates are not, and a history orders records by them", ranking.Some(off, mostSlow))
	}
	if f.Spread == record.ByWorkloads {
		if len(kinds) > 1 {
			add("the nodes are of %d kinds: a ranking holds on the node that made it, and figures of different workloads cannot be compared", len(kinds))
		}
		for _, n := range f.Nodes {
			if len(n.Differs) > 0 {
				add("%s is not as the other nodes of its kind: figures of its workloads and of theirs cannot be compared", n.Node)
			}
		}
		return
	}
	if len(kinds) > 1 {
		add("the nodes are of %d kinds, and each is held against those of its own", len(kinds))
	}
	for _, k := range f.Kinds {
		if k.Judged == 2 {
			add("of %s there are two nodes, and each is held against the other: which of them is as it should be is not known", k.Name)
		}
	}
}

// mostSlow is how many slow nodes the headline names.
const mostSlow = 5

// distinct is how many nodes there are; one may have had several shards.
func distinct(nodes []Node) int {
	seen := map[string]bool{}
	for _, n := range nodes {
		seen[n.Node] = true
	}
	return len(seen)
}

// percent is a ratio as a difference from 1.
func percent(ratio float64) string { return fmt.Sprintf("%+.1f %%", 100*(ratio-1)) }

// share is a share as people read it.
func share(v float64) string { return fmt.Sprintf("%.2g %%", 100*v) }

// chance is a p-value; of a very small one the digits say nothing.
func chance(p float64) string {
	if p < 1e-9 {
		return "<1e-9"
	}
	return fmt.Sprintf("%.2g", p)
}

// method says how the verdicts were made.
func (f *Fleet) method() string {
	return fmt.Sprintf("each node against the middle of its kind, cell by cell; at most %s of fleets without a slow node have one called slow, and only a difference of %s or more counts", share(f.Rule.P), share(f.Rule.Change))
}

func (k Kind) words() string {
	text := fmt.Sprintf("%s of %s, %d judged", ranking.Count(k.Nodes, "node"), k.Name, k.Judged)
	if k.Between > 0 {
		text += fmt.Sprintf(": nodes differ by %s, one's level is known to %s (standard deviations); a loss of %s would be seen nine times of ten", share(k.Between), share(k.Within), share(k.Sees))
	}
	return text
}

// sheet is the table of nodes.
func (f *Fleet) sheet(nodes []Node) ranking.Sheet {
	if f.Spread == record.ByWorkloads {
		s := ranking.Sheet{Title: "Nodes", Header: []string{"node", "shard", "kind", "state", "not as the others"}}
		for _, n := range nodes {
			s.Rows = append(s.Rows, []string{n.Node, fmt.Sprint(n.Shard), n.Kind, n.Status, n.special()})
		}
		return s
	}
	s := ranking.Sheet{Title: "Nodes", Header: []string{"node", "verdict", "to the others", "95 % interval", "p", "sees", "cells", "rounds", "furthest below in", "not as the others"}}
	for _, n := range nodes {
		s.Rows = append(s.Rows, n.row())
	}
	return s
}

// row is a node in the table.
func (n Node) row() []string {
	row := []string{n.Node, n.Verdict, "–", "–", "–", "–", fmt.Sprint(n.Cells), fmt.Sprint(n.Rounds), "–", n.special()}
	if n.Why != "" {
		row[9] = strings.TrimSuffix(n.Why+"; "+row[9], "; ")
	}
	if n.Ratio == 0 {
		return row
	}
	row[2], row[3] = percent(n.Ratio), percent(n.CILow)+" to "+percent(n.CIHigh)
	row[4], row[5] = chance(n.P), share(n.Sees)
	if n.Worst != nil {
		row[8] = fmt.Sprintf("%s on %s (%s)", n.Worst.Runner, n.Worst.Workload, percent(n.Worst.Ratio))
	}
	return row
}

// cellSheet is the table of what several nodes measured.
func (f *Fleet) cellSheet() ranking.Sheet {
	s := ranking.Sheet{Title: "Machines side by side, images/s", Header: []string{"workload", "runner", "nodes", "median", "slowest", "on", "fastest", "on", "fastest/slowest"}}
	for _, c := range f.Cells {
		s.Rows = append(s.Rows, []string{c.Workload, c.Runner, fmt.Sprint(c.Nodes), ranking.Figure(c.Median, 0), ranking.Figure(c.Low, 0), c.LowNode, ranking.Figure(c.High, 0), c.HighNode, ranking.Times(c.High / c.Low)})
	}
	return s
}

// warningSheet is the table of the records' warnings; those of one code, scope and
// text are one row.
func (f *Fleet) warningSheet() ranking.Sheet {
	s := ranking.Sheet{Title: "Warnings", Header: []string{"warning", "about", "on", "what"}}
	at := map[record.Warning]int{}
	for _, w := range f.Warnings {
		i, there := at[w.Warning]
		if !there {
			at[w.Warning] = len(s.Rows)
			s.Rows = append(s.Rows, []string{w.Code, w.Scope.Words(), w.Node, w.Text})
			continue
		}
		s.Rows[i][2] += ", " + w.Node
	}
	return s
}

// missingSheet is the table of what there is no whole record of.
func (f *Fleet) missingSheet() ranking.Sheet {
	s := ranking.Sheet{Title: "Missing", Header: []string{"shard", "node", "why"}}
	for _, g := range f.Missing {
		s.Rows = append(s.Rows, []string{fmt.Sprint(g.Shard), g.Node, g.Why})
	}
	return s
}
