package html

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/ranking"
	"github.com/dlbench/dlbench/reports/table"
)

// workloadView is one workload with its cells, fastest first.
type workloadView struct {
	record.Workload
	Anchor    string
	Size      string
	Headline  string
	Interval  string
	Cells     []cellView
	Ranking   *grid
	Ratios    *grid
	Charts    []*chart // throughput, latency, cold start, rate, energy
	Scenarios []*grid  // beside throughput and single streams
	Usage     *grid
	Missing   []string
	NoEnergy  []string // why that is not drawn
	Timelines []*chart
	Parity    *grid
	Checks    *grid
	Processes *grid

	rec     *record.Record
	prefix  string
	anchors anchors
}

// cellView is one cell.
type cellView struct {
	*record.Cell
	ranking.Row
	Mark int // number of the runner
}

func (c cellView) named() cell {
	return cell{Text: c.Cell.Runner, Soft: c.Cell.FrameworkVersion, Mark: markClass(c.Mark)}
}

func markClass(mark int) string { return fmt.Sprintf("m%d", max(0, mark)%markCount) }

func newWorkloadView(v *view, w record.Workload) *workloadView {
	out := &workloadView{Workload: w, Anchor: v.anchors.unique(v.Prefix + slug(w.ID)), Interval: v.Interval, rec: v.Record, prefix: v.Prefix, anchors: v.anchors}
	out.Size = fmt.Sprintf("%s parameters, %.3g GMAC an image, input %s", table.Thousands(w.Parameters), float64(w.MACs)/1e9, table.Dimensions(w.InputShape))
	rows := ranking.Rows(v.Record, w.ID)
	for i, c := range ranking.Cells(v.Record, w.ID) {
		out.Cells = append(out.Cells, cellView{c, rows[i], v.marks.of(c.Runner)})
	}
	out.Headline = headline(v.Record, out.Cells)
	out.Ranking, out.Ratios = rankingTable(out), ratioMatrix(out)
	out.Charts = out.draw(throughputChart, computeChart, percentileChart, distributionChart, coldStartChart, gpuEnergyChart, cpuEnergyChart)
	out.NoEnergy = noEnergy(out)
	out.Scenarios = scenarioTables(out)
	out.Usage, out.Missing, out.Timelines = usageTable(out), missingSources(out), timelines(out)
	out.Parity, out.Checks, out.Processes = parityTable(out), checksTable(out), processTable(out)
	return out
}

func (w *workloadView) draw(makers ...func(*workloadView) *chart) []*chart {
	var all []*chart
	for _, make := range makers {
		if c := make(w); c != nil {
			all = append(all, c)
		}
	}
	return all
}

// FilterClass is how the page's script knows what belongs to the workload.
func (w *workloadView) FilterClass() string { return "of-" + w.Anchor }

// mentions are the warnings of a cell that concern a figure about any of these.
func (w *workloadView) mentions(c *record.Cell, abouts ...about) []mention {
	var notes []mention
	for _, code := range w.rec.CodesAbout(c) {
		if slices.ContainsFunc(abouts, func(a about) bool { return concerns(code, a) }) {
			notes = append(notes, mention{Code: code, Href: w.warningAnchor(code)})
		}
	}
	return notes
}

// rankingTable is the answer for a workload.
func rankingTable(w *workloadView) *grid {
	g := newGrid(w.Anchor+"-ranking-table", "Ranking of "+w.ID, "runner", "#images/s", w.Interval, "0 to fastest", "against fastest", "#% of peak",
		"#p50 ms", "#p90 ms", "#CPU %", "#memory", "#images/J", "#images/CPU J", "parity", "notes")
	most := w.mostThroughput()
	for _, c := range w.Cells {
		u := cmp.Or(c.Utilization, &record.Utilization{})
		line := []cell{c.named(), text(absent), text(""), {}, text(c.Against), optional("%.1f", summary.PercentOfPeak(w.rec, c.Cell)), text(orAbsent(c.P50)), text(orAbsent(c.P90)), text(orAbsent(c.CPU)), text(orAbsent(c.Memory)),
			optionalFigure(u.ImagesPerJoule), optionalFigure(u.ImagesPerCPUJoule), {Text: c.Row.Parity, Class: "verdict " + c.Row.Parity}, {Text: c.why(), Class: "long", Mentions: w.mentions(c.Cell, aboutThroughput, aboutLatency, aboutStart, aboutMemory)}}
		if t := c.Cell.Throughput; t != nil {
			line[1], line[2] = cell{Text: c.Row.Throughput, Value: &t.Median}, cell{Text: c.Row.Interval, Value: &t.CILow}
			line[3] = cell{Value: &t.Median, Strip: stripOf(c.Mark, t, most)}
		}
		c.sortable(line)
		g.add(c.Mark, line...)
		if !c.Ranked() {
			g.Rows[len(g.Rows)-1].Class = "unranked"
		}
	}
	return g.withoutEmpty()
}

// mostThroughput is where the axis of the drawn intervals ends.
func (w *workloadView) mostThroughput() float64 {
	most := 0.0
	for _, c := range w.Cells {
		if t := c.Cell.Throughput; t != nil && finite(t.CIHigh) {
			most = max(most, t.CIHigh)
		}
	}
	return most
}

// stripOf draws an interval; nil if some of it is missing.
func stripOf(mark int, t *record.Throughput, most float64) *strip {
	s := &strip{Mark: markClass(mark), Low: 100 * t.CILow / most, Mid: 100 * t.Median / most, High: 100 * t.CIHigh / most}
	if !finite(s.Low) || !finite(s.Mid) || !finite(s.High) {
		return nil
	}
	return s
}

// sortable gives the worded figures the numbers behind them.
func (c cellView) sortable(line []cell) {
	if l := c.LatencyMS; l != nil {
		line[6].Value, line[7].Value = l.P50, l.P90
	}
	if u := c.Utilization; u != nil {
		line[8].Value = u.CPUPercent
		if u.MemoryPeakBytes != nil {
			v := float64(*u.MemoryPeakBytes)
			line[9].Value = &v
		}
	}
}

// why a cell is not ranked; empty for one that is.
func (c cellView) why() string {
	if c.Ranked() {
		return ""
	}
	return strings.TrimSuffix(stateWords[c.Cell.Status]+": "+c.Reason, ": ")
}

func orAbsent(s string) string {
	if s == "" {
		return absent
	}
	return s
}
