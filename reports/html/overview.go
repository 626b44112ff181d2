package html

import (
	"slices"
	"strings"

	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// overview sets several records beside one another.
type overview struct {
	Records *grid
	Figures []*overviewWorkload
	Threads []*chart
}

// overviewWorkload is a workload that several records have.
type overviewWorkload struct {
	ID, Anchor, Class string
	Table             *grid
	Chart             *chart
}

// newOverview is nil for a single record.
func newOverview(views []*view, m *marks, a anchors) *overview {
	if len(views) < 2 {
		return nil
	}
	o := &overview{Records: recordsTable(views)}
	for _, id := range sharedWorkloads(views) {
		o.Figures = append(o.Figures, newOverviewWorkload(id, views, m, a))
		if c := threadChart(id, views, m, a); c != nil {
			o.Threads = append(o.Threads, c)
		}
	}
	return o
}

func recordsTable(views []*view) *grid {
	g := newGrid("records-table", "The records on this page", "record", "suite", "measured", "machine", "processor", "device", "#threads",
		"profile", "#rounds", "#ranked", "#cells", "#warnings", "dlbench", "state")
	for _, v := range views {
		standing := summary.StandingOf(v.Record)
		g.add(-1, cell{Text: v.Letter, Href: "#" + v.Prefix + "answer"}, text(v.Suite), text(v.Created.Format("2006-01-02 15:04")), text(v.Environment.Host),
			cell{Text: v.Environment.CPU, Class: "long"}, text(v.Record.Terms.Device), count(v.Record.Terms.Threads), text(v.Profile), count(v.Rounds),
			count(standing.Ranked), count(standing.Cells), count(len(v.Record.Warnings)), text(v.DlbenchVersion), text(v.Status))
	}
	return g
}

// sharedWorkloads are those that at least two records have, in the order in
// which the records name them.
func sharedWorkloads(views []*view) []string {
	times, order := map[string]int{}, []string{}
	for _, v := range views {
		for _, w := range v.Workloads {
			if times[w.ID]++; times[w.ID] == 2 {
				order = append(order, w.ID)
			}
		}
	}
	return order
}

func newOverviewWorkload(id string, views []*view, m *marks, a anchors) *overviewWorkload {
	o := &overviewWorkload{ID: id, Anchor: a.unique("across-" + slug(id)), Class: classesOf(id, views)}
	o.Table = newGrid(o.Anchor+"-table", "Throughput of "+id+" across records, images/s", "runner")
	var letters []string
	for _, v := range views {
		letters = append(letters, v.Letter)
		o.Table.Columns = append(o.Table.Columns, column{Name: v.Letter + " images/s", Numeric: true, Runner: -1})
	}
	for _, v := range views {
		o.Table.Columns = append(o.Table.Columns, column{Name: v.Letter + " version", Runner: -1})
	}
	o.Table.Columns = append(o.Table.Columns, column{Name: "warnings", Runner: -1})
	p := newPlot("item", opts.XAxis{Type: "category", Data: letters}, uprightAxis("images/s")).frame(true)
	for mark, name := range m.names {
		line, data := acrossRecords(id, name, mark, views)
		if line == nil {
			continue
		}
		o.Table.add(mark, line...)
		if len(data) > 0 {
			p.add(mark, marked(name, mark, data, "record", "images/s"))
		}
	}
	o.Table.withoutEmpty()
	if !p.empty() {
		o.Chart = &chart{ID: o.Anchor + "-chart", Title: "Across the records", Height: 280, Runner: -1, Drawing: p.drawing(),
			Note:  "Medians of the records. Runs at different times are not paired: a difference here has no verdict.",
			Label: "Throughput of " + id + " in the records; the table beside it has the figures"}
	}
	return o
}

// acrossRecords is a runner's row: its throughput and version in each record.
func acrossRecords(id, name string, mark int, views []*view) (line []cell, data [][2]any) {
	line = []cell{{Text: name, Mark: markClass(mark)}}
	var versions []cell
	var notes []mention
	found := false
	for _, v := range views {
		c := v.Cell(id, name)
		if c == nil {
			line, versions = append(line, text(absent)), append(versions, text(absent))
			continue
		}
		found = true
		line, versions = append(line, inRecord(c)), append(versions, text(c.FrameworkVersion))
		if c.Throughput != nil {
			data = append(data, [2]any{v.Letter, rounded(c.Throughput.Median)})
		}
		for _, w := range v.Record.WarningsAbout(c.Scope()) {
			notes = append(notes, mention{Code: w.Code, Who: v.Letter, Href: "#" + v.Prefix + "warning-" + slug(w.Code)})
		}
	}
	if !found {
		return nil, nil
	}
	return append(append(line, versions...), cell{Mentions: notes}), data
}

func inRecord(c *record.Cell) cell {
	t := summary.Throughput(c)
	if t == nil {
		return text(stateWords[c.Status])
	}
	cells := bounds(*t)
	out := cells[0]
	out.Soft = cells[1].Text + "–" + cells[2].Text
	if !c.Ranked() {
		out.Soft += ", " + stateWords[c.Status]
	}
	return out
}

func classesOf(id string, views []*view) string {
	var classes []string
	for _, v := range views {
		for _, w := range v.Workloads {
			if w.ID == id {
				classes = append(classes, w.FilterClass())
			}
		}
	}
	return strings.Join(classes, " ")
}

// threadChart draws throughput over the threads that the records allowed; nil
// unless records of one processor differ in them.
func threadChart(id string, views []*view, m *marks, a anchors) *chart {
	first := slices.IndexFunc(views, func(v *view) bool { return v.Record.Workload(id) != nil })
	machine := views[first].Environment.CPU
	steps := func(runner string) (list []summary.Step) {
		for _, v := range views {
			t, threads := throughputOf(v.Cell(id, runner)), v.Record.ThreadsOf(id)
			if t == nil || v.Environment.CPU != machine || slices.ContainsFunc(list, func(s summary.Step) bool { return s.At == threads }) {
				continue
			}
			list = append(list, summary.Step{At: threads, Throughput: *t})
		}
		return list
	}
	c := scalingChart(a.unique("threads-"+slug(id)), "threads", id, m, steps)
	if c != nil {
		c.Note = "Throughput over the thread budget of records from " + machine + ", with intervals; of several with the same budget the first."
	}
	return c
}
