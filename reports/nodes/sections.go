package nodes

import (
	"fmt"
	"math"
	"path"
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/ranking"
)

// section is a part of the page: a table, and one of what is less worth a look.
type section struct {
	ID, Title, Note string
	Report          string // of the shard, for a link
	tableView
	Rest *tableView
}

// tableView is a table, worded.
type tableView struct {
	Title   string
	Columns []column
	Rows    [][]cellView
}

type column struct {
	Name    string
	Numeric bool
}

// cellView is a cell of a table: a text, or a node's interval as a strip.
type cellView struct {
	Text, Class string
	Link        string // to what it names
	Strip       *strip
}

// strip is a ratio with its interval on a scale that all nodes share, in per cent
// of its width.
type strip struct {
	Low, Mid, High float64
	Mark           int // of its colour
}

// sections are the page's parts; those without a row are left out.
func (f *Fleet) sections() []section {
	var all []section
	add := func(one section) {
		if len(one.Rows) > 0 {
			all = append(all, one)
		}
	}
	table := func(id, note string, s ranking.Sheet, numeric ...int) section {
		return section{ID: id, Title: s.Title, Note: note, tableView: viewOf(s, numeric...)}
	}
	for i, w := range f.Workloads {
		one := table(fmt.Sprintf("workload%d", i), fmt.Sprintf("All runners of this workload ran on one node, in the same rounds (shard %d).", w.Shard), w.sheet(), ranking.RankedNumbers()...)
		one.Report = f.link(w.Report)
		add(one)
	}
	add(table("overall", "Ratios of two runners are of one node each, so that those of several nodes may be averaged.", ranking.Overall(f.Overall)))
	missing := table("missing", "What there is no whole record of. A partial record counts as far as it goes.", f.missingSheet(), 0)
	for i, g := range f.Missing {
		missing.Rows[i][0].Link = f.link(g.Report)
	}
	add(missing)
	if len(f.Nodes) > 0 {
		all = append(all, f.nodeSection()) // of many, those to look at may be none
	}
	add(table("cells", "Medians of the records, in images per second.", f.cellSheet(), 2, 3, 4, 6, 8))
	add(table("warnings", "Of the shards' records.", f.warningSheet()))
	return all
}

// link is the way from the page to a shard's report; empty if there is none.
func (f *Fleet) link(report string) string {
	if report == "" {
		return ""
	}
	return path.Join(f.Base, report)
}

// nodeSection is the table of nodes: those to look at, and the others.
func (f *Fleet) nodeSection() section {
	first, rest := f.Nodes, []Node(nil)
	if len(f.Nodes) > mostRows {
		first = f.shown()
		for _, n := range f.Nodes {
			if !slices.ContainsFunc(first, func(s Node) bool { return s.Node == n.Node && s.Shard == n.Shard }) {
				rest = append(rest, n)
			}
		}
	}
	s := section{ID: "nodes", Title: "Nodes", tableView: f.nodeTable(first)}
	if f.Spread == record.ByNodes {
		s.Note = "The ratio is of a node's throughputs to the middle of its kind, with the 95 % interval by its processes. p is adjusted for the number of nodes. “Sees” is the loss that would have been called slow nine times of ten."
	}
	if len(rest) > 0 {
		t := f.nodeTable(rest)
		s.Rest = &t
	}
	return s
}

// nodeTable is the table of some nodes; if they are judged, with a strip each.
func (f *Fleet) nodeTable(nodes []Node) tableView {
	numeric := []int{1}
	if f.Spread == record.ByNodes {
		numeric = []int{2, 4, 5, 6, 7}
	}
	t := viewOf(f.sheet(nodes), numeric...)
	for i, n := range nodes {
		t.Rows[i][0].Link = f.link(n.Report)
	}
	if f.Spread == record.ByWorkloads {
		return t
	}
	const before = 4 // the strip's column
	t.Columns = slices.Insert(t.Columns, before, column{Name: "slower | faster"})
	reach := f.reach()
	at := func(ratio float64) float64 { return min(100, max(0, 50+50*math.Log(ratio)/reach)) }
	for i, n := range nodes {
		t.Rows[i][1].Class = verdictClass(n.Verdict)
		cell := cellView{}
		if n.Ratio > 0 {
			cell.Strip = &strip{Low: at(n.CILow), Mid: at(n.Ratio), High: at(n.CIHigh), Mark: stripMark[n.Verdict]}
		}
		t.Rows[i] = slices.Insert(t.Rows[i], before, cell)
	}
	return t
}

// stripMark is the colour of a node's strip.
var stripMark = map[string]int{summary.SlowNode: 1, summary.FastNode: 2}

// reach is how far the strips' scale goes to either side.
func (f *Fleet) reach() float64 {
	reach := 0.01
	for _, n := range f.Nodes {
		if n.Ratio > 0 {
			reach = max(reach, math.Abs(math.Log(n.Ratio))*1.1)
		}
	}
	return reach
}

// verdictClass is how the page's style calls what is good and what is not.
func verdictClass(verdict string) string {
	return map[string]string{summary.SlowNode: "slower", summary.FastNode: "faster", summary.UnknownNode: "warned"}[verdict]
}

// viewOf is a sheet as the page shows it.
func viewOf(s ranking.Sheet, numeric ...int) tableView {
	t := tableView{Title: s.Title}
	for i, name := range s.Header {
		t.Columns = append(t.Columns, column{name, slices.Contains(numeric, i)})
	}
	for _, row := range s.Rows {
		var cells []cellView
		for i, text := range row {
			c := cellView{Text: text}
			switch {
			case slices.Contains(numeric, i):
				c.Class = "n"
			case len(text) > 40:
				c.Class = "long"
			}
			cells = append(cells, c)
		}
		t.Rows = append(t.Rows, cells)
	}
	return t
}
