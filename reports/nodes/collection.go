package nodes

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// Collection takes members one by one, and keeps of a record what the report
// needs: the record itself may be forgotten.
type Collection struct {
	spread  string
	rule    summary.NodeRule
	members []member
	suites  []string
	merged  merged
}

// member is what is kept of a Member.
type member struct {
	shard    int
	name     string
	host     string
	status   string // of the record, empty if there is none
	missing  string
	report   string
	ahead    time.Duration
	created  time.Time
	updated  time.Time
	figures  summary.NodeFigures
	facts    []fact
	warnings []Told
	ranked   []Workload
	told     record.Warnings
	medians  []median
}

// median is the throughput of a cell.
type median struct {
	workload, runner string
	value            float64
}

// Add takes a member.
func (c *Collection) Add(m Member) {
	one := member{shard: m.Shard, name: m.Node, missing: m.Missing, report: m.Report, ahead: m.Ahead}
	if r := m.Record; r != nil {
		one.host, one.status, one.created, one.updated = r.Environment.Host, r.Status, r.Created, r.Updated
		one.name = cmp.Or(m.Node, r.Environment.MachineName())
		one.figures, one.facts, one.warnings = summary.NodeFiguresOf(r), factsOf(r), toldOf(r)
		one.missing = cmp.Or(m.Missing, partial(r))
		if c.spread == record.ByWorkloads {
			one.ranked, one.told = rankingsOf(m, one.name), r.Warnings
			c.merged.take(r)
		}
		for i := range r.Cells {
			if cell := &r.Cells[i]; cell.Ranked() && cell.Throughput != nil {
				one.medians = append(one.medians, median{cell.Workload, cell.Runner, cell.Throughput.Median})
			}
		}
		if r.Suite != "" && !slices.Contains(c.suites, r.Suite) {
			c.suites = append(c.suites, r.Suite)
		}
	} else if one.missing == "" {
		one.missing = "there is no record, and nobody says why"
	}
	c.members = append(c.members, one)
}

// partial says what a record lacks that is not whole; empty of a whole one.
func partial(r *record.Record) string {
	switch r.Status {
	case record.Interrupted:
		return fmt.Sprintf("its run was interrupted after %d rounds", r.Rounds)
	case record.Running:
		return fmt.Sprintf("its run is not finished: %d rounds are in", r.Rounds)
	}
	pending := 0
	for _, cell := range r.Cells {
		if cell.Status == record.Pending {
			pending++
		}
	}
	if pending > 0 {
		return fmt.Sprintf("%d of its %d cells were not measured", pending, len(r.Cells))
	}
	return ""
}

// Fleet sets what was added side by side.
func (c *Collection) Fleet() *Fleet {
	c.tellApart()
	f := &Fleet{SchemaVersion: SchemaVersion, Spread: c.spread, Rule: c.rule, Kinds: []Kind{}, Nodes: []Node{}, Cells: []Cell{}, Workloads: []Workload{}, Overall: []record.Overall{}, Warnings: []Warning{}, Missing: []Gap{}, Notes: []string{}}
	if len(c.suites) > 0 {
		f.Suite = c.suites[0]
	}
	f.Counts.Shards = len(c.members)
	for _, m := range c.members {
		if m.missing != "" {
			f.Missing = append(f.Missing, Gap{Shard: m.shard, Node: m.name, Why: m.missing, Report: m.report})
		}
		if m.status == "" {
			continue
		}
		f.Counts.Records++
		if f.Created.IsZero() || m.created.Before(f.Created) {
			f.Created = m.created
		}
		if m.updated.After(f.Updated) {
			f.Updated = m.updated
		}
		f.Workloads = append(f.Workloads, m.ranked...)
		for _, w := range m.told {
			f.Warnings = append(f.Warnings, Warning{m.name, w})
		}
	}
	f.Nodes, f.Overall = c.nodes(), c.merged.overall()
	if c.spread == record.ByNodes {
		c.judge(f)
		f.Cells = c.cells()
	}
	c.note(f)
	f.Headline = f.headline()
	return f
}

// tellApart gives members of one name different ones.
func (c *Collection) tellApart() {
	times := map[string]int{}
	for i := range c.members {
		m := &c.members[i]
		if m.status == "" {
			continue
		}
		if times[m.name]++; times[m.name] > 1 && c.spread == record.ByNodes {
			m.name = fmt.Sprintf("%s (%d)", m.name, times[m.name])
		}
	}
}

// nodes are the machines with a record, each with what is special about it.
func (c *Collection) nodes() []Node {
	nodes := []Node{}
	differ := newMajority(c.members)
	for _, m := range c.members {
		if m.status == "" {
			continue
		}
		n := Node{Node: m.name, Shard: m.shard, Host: m.host, Kind: m.figures.Kind, Status: m.status, Differs: differ.facts(m), Warnings: differ.warnings(m), Report: m.report, Ahead: m.ahead.Seconds()}
		nodes = append(nodes, n)
	}
	return nodes
}

// judge makes the verdicts.
func (c *Collection) judge(f *Fleet) {
	var figures []summary.NodeFigures
	for _, m := range c.members {
		if m.status != "" {
			figures = append(figures, m.figures)
		}
	}
	found, kinds := summary.JudgeNodes(figures, c.rule)
	for i, one := range found {
		f.Nodes[i].take(one)
	}
	for _, k := range kinds {
		f.Kinds = append(f.Kinds, Kind(k))
		f.Counts.Judged += k.Judged
	}
	for _, n := range f.Nodes {
		switch n.Verdict {
		case summary.SlowNode:
			f.Counts.Slow++
		case summary.FastNode:
			f.Counts.Fast++
		case summary.UnknownNode:
			f.Counts.Unknown++
		}
	}
	order := map[string]int{summary.SlowNode: 0, summary.FastNode: 2, summary.UnknownNode: 3, summary.UsualNode: 1}
	slices.SortStableFunc(f.Nodes, func(a, b Node) int {
		return cmp.Or(cmp.Compare(order[a.Verdict], order[b.Verdict]), cmp.Compare(a.Ratio, b.Ratio), cmp.Compare(a.Shard, b.Shard))
	})
}

// take takes a finding over.
func (n *Node) take(f summary.NodeFinding) {
	n.Verdict, n.Why, n.Ratio, n.CILow, n.CIHigh, n.Level, n.P, n.Sees = f.Verdict, f.Why, f.Ratio, f.Low, f.High, f.Level, f.P, f.Sees
	n.Cells, n.Rounds, n.Processes, n.Worst = f.Cells, f.Rounds, f.Processes, f.Worst
}

// cells are what several nodes measured, by the medians of their records.
func (c *Collection) cells() []Cell {
	type key struct{ workload, runner string }
	at := map[key]int{}
	cells := []Cell{}
	var values [][]float64
	for _, m := range c.members {
		for _, v := range m.medians {
			k := key{v.workload, v.runner}
			i, there := at[k]
			if !there {
				i = len(cells)
				at[k] = i
				cells, values = append(cells, Cell{Workload: v.workload, Runner: v.runner, Low: v.value, High: v.value, LowNode: m.name, HighNode: m.name}), append(values, nil)
			}
			values[i] = append(values[i], v.value)
			one := &cells[i]
			if v.value < one.Low {
				one.Low, one.LowNode = v.value, m.name
			}
			if v.value > one.High {
				one.High, one.HighNode = v.value, m.name
			}
		}
	}
	for i := range cells {
		cells[i].Nodes, cells[i].Median = len(values[i]), summary.Middle(values[i])
	}
	return cells
}
