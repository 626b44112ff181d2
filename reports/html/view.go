package html

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/ranking"
	"github.com/dlbench/dlbench/reports/table"
)

// view is one record, worded for the template.
type view struct {
	*record.Record
	ID        string // prefix of anchors
	Banner    string // what has to be said before everything else
	Interval  string // what stands beside the medians
	Workloads []workloadView
	Sides     grid // terms side by side
	Machine   [][2]string
}

// workloadView is one workload with its cells, fastest first.
type workloadView struct {
	record.Workload
	Anchor     string
	Size       string
	Headline   string
	Cells      []cellView
	Throughput chart
	Latency    *chart
	CPU        []chart
	ColdStart  [][]string
}

// cellView is one cell.
type cellView struct {
	*record.Cell
	ranking.Row
	Mark      int // colour and symbol of the runner
	Low, High float64
	Mid       float64 // the interval strip, in per cent of its width
	Checks    []checkView
}

type checkView struct {
	record.Check
	Share float64 // of the tolerance, in per cent, at most 100
}

// grid is a table with a mark on rows whose values differ.
type grid struct {
	Header []string
	Rows   []gridRow
}

type gridRow struct {
	Name    string
	Values  []string
	Differs bool
}

func newView(rec *record.Record, index int) view {
	v := view{Record: rec, ID: fmt.Sprintf("r%d", index), Interval: ranking.IntervalName(rec), Sides: termsGrid(rec), Machine: machineFacts(rec)}
	switch rec.Status {
	case record.Running:
		v.Banner = fmt.Sprintf("This run is not finished: %d rounds are in. If no dlbench is at work on it any more, it was killed.", rec.Rounds)
	case record.Interrupted:
		v.Banner = fmt.Sprintf("This run was interrupted after %d rounds.", rec.Rounds)
	}
	for i, w := range rec.Workloads {
		v.Workloads = append(v.Workloads, newWorkloadView(rec, w, fmt.Sprintf("%s-w%d", v.ID, i)))
	}
	return v
}

func newWorkloadView(rec *record.Record, w record.Workload, anchor string) workloadView {
	v := workloadView{Workload: w, Anchor: anchor}
	v.Size = fmt.Sprintf("%s parameters, %.3g GMAC an image, input %s", table.Thousands(w.Parameters), float64(w.MACs)/1e9, table.Dimensions(w.InputShape))
	cells := ranking.Cells(rec, w.ID)
	rows := ranking.Rows(rec, w.ID)
	for i, cell := range cells {
		v.Cells = append(v.Cells, newCellView(rec, cell, rows[i]))
	}
	v.strips()
	v.Headline = headline(rec, v.Cells)
	v.Throughput = throughputChart(anchor+"-throughput", w, v.Cells)
	v.Latency = latencyChart(anchor+"-latency", w, v.Cells)
	v.CPU = cpuCharts(anchor+"-cpu", rec, v.Cells)
	v.ColdStart = coldStart(v.Cells)
	return v
}

// coldStart is what comes before the first timed block: medians over
// processes, and the warm-up that every process repeats.
func coldStart(cells []cellView) [][]string {
	var rows [][]string
	for _, c := range cells {
		s, warm := c.Cell.Startup, c.Cell.Calibration
		if s == nil {
			continue
		}
		row := []string{c.Row.Runner, fmt.Sprintf("%.2f", s.StartSeconds), fmt.Sprintf("%.2f", s.ImportSeconds),
			fmt.Sprintf("%.2f", s.LoadSeconds), fmt.Sprintf("%.3f", s.FirstIterationSeconds), "–", ""}
		if warm != nil {
			row[5], row[6] = fmt.Sprint(warm.WarmupIterations), map[bool]string{true: "yes", false: "no"}[warm.Steady]
		}
		rows = append(rows, row)
	}
	return rows
}

func newCellView(rec *record.Record, cell *record.Cell, row ranking.Row) cellView {
	v := cellView{Cell: cell, Row: row, Mark: max(0, slices.IndexFunc(rec.Runners, func(r record.Runner) bool { return r.Name == cell.Runner })) % len(colours)}
	for _, c := range cell.Parity.Checks {
		share := 100.0
		if c.Tolerance > 0 {
			share = min(100, 100*c.Value/c.Tolerance)
		}
		v.Checks = append(v.Checks, checkView{c, share})
	}
	return v
}

// strips places each interval on a scale from zero to the fastest.
func (v *workloadView) strips() {
	most := 0.0
	for _, c := range v.Cells {
		if c.Cell.Throughput != nil {
			most = max(most, c.Cell.Throughput.CIHigh)
		}
	}
	for i := range v.Cells {
		c := &v.Cells[i]
		if t := c.Cell.Throughput; t != nil && most > 0 {
			c.Low, c.Mid, c.High = 100*t.CILow/most, 100*t.Median/most, 100*t.CIHigh/most
		}
	}
}

// headline says in words who is faster, and whether that can be believed.
func headline(rec *record.Record, cells []cellView) string {
	var ranked []cellView
	for _, c := range cells {
		if c.Ranked() {
			ranked = append(ranked, c)
		}
	}
	switch {
	case len(ranked) == 0:
		return "Nothing is ranked here."
	case len(ranked) == 1:
		return fmt.Sprintf("%s alone is ranked.", ranked[0].Row.Runner)
	}
	first, second := ranked[0].Row.Runner, ranked[1].Row.Runner
	c, ok := rec.Comparison(ranked[0].Workload, first, second)
	switch {
	case !ok:
		return fmt.Sprintf("%s and %s were not measured in the same rounds.", first, second)
	case c.Verdict == record.TooFew:
		return fmt.Sprintf("%s was %.2f× as fast as %s in a quick look: too few processes for a verdict.", first, c.Ratio, second)
	case c.Verdict == record.Faster:
		return fmt.Sprintf("%s is fastest: %.2f× as fast as %s (%.0f %% interval %.2f to %.2f).", first, c.Ratio, second, 100*c.Level, c.CILow, c.CIHigh)
	default:
		return fmt.Sprintf("%s and %s cannot be told apart: ratio %.2f, interval %.2f to %.2f.", first, second, c.Ratio, c.CILow, c.CIHigh)
	}
}

// ownNature are the facts in which runners differ by nature; in the others they
// should not differ unseen.
var ownNature = []string{"framework", "image", "state", "CPU features"}

// termsGrid puts what the runners said of themselves side by side.
func termsGrid(rec *record.Record) grid {
	g := grid{}
	facts := []struct {
		name string
		of   func(r record.Runner) string
	}{
		{"framework", func(r record.Runner) string { return r.Framework + " " + r.FrameworkVersion }},
		{"state", func(r record.Runner) string { return r.State() }},
		{"CPU features", func(r record.Runner) string { return r.CPUFeatures }},
		{"threads", func(r record.Runner) string { return fmt.Sprint(r.Terms.Threads) }},
		{"CPUs", func(r record.Runner) string { return strings.Trim(fmt.Sprint(r.Terms.CPUs), "[]") }},
		{"layout", func(r record.Runner) string { return r.Terms.Layout }},
		{"execution", func(r record.Runner) string { return r.Terms.Execution }},
		{"precision", func(r record.Runner) string { return r.Terms.Precision }},
		{"switches", func(r record.Runner) string { return pairs(r.Terms.Switches) }},
		{"build", func(r record.Runner) string { return pairs(r.Build) }},
		{"image", func(r record.Runner) string { return r.Image }},
	}
	for _, r := range rec.Runners {
		g.Header = append(g.Header, r.Name)
	}
	for _, fact := range facts {
		row := gridRow{Name: fact.name}
		for _, r := range rec.Runners {
			row.Values = append(row.Values, fact.of(r))
		}
		row.Differs = len(slices.Compact(slices.Sorted(slices.Values(row.Values)))) > 1 && !slices.Contains(ownNature, fact.name)
		g.Rows = append(g.Rows, row)
	}
	return g
}

func pairs(m map[string]string) string {
	var parts []string
	for name, value := range m {
		parts = append(parts, name+"="+value)
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

func machineFacts(rec *record.Record) [][2]string {
	e := rec.Environment
	facts := [][2]string{
		{"host", e.Host}, {"processor", e.CPU}, {"vector extensions", strings.Join(e.CPUFlags, " ")},
		{"cores", fmt.Sprintf("%d, %d logical CPUs", e.Cores, e.LogicalCPUs)}, {"memory", table.Bytes(e.MemoryBytes)},
		{"system", e.OS + ", kernel " + e.Kernel}, {"control groups", e.Cgroup}, {"virtualization", e.Virtualization},
		{"clock governor", e.Governor}, {"turbo", e.Turbo}, {"hardware threads share cores (SMT)", e.SMT},
		{"engine", strings.TrimSpace(e.Engine + " " + e.EngineVersion)},
		{"asked of every runner", fmt.Sprintf("%s, %d threads, CPUs %s, at most %s of memory", rec.Terms.Device, rec.Terms.Threads, rec.Terms.CPUs, table.Bytes(rec.Terms.MemoryBytes))},
		{"dlbench", fmt.Sprintf("%s, seed %d, profile %s, %d rounds", rec.DlbenchVersion, rec.Seed, rec.Profile, rec.Rounds)},
	}
	for _, gpu := range e.GPUs {
		facts = append(facts, [2]string{fmt.Sprintf("GPU %d", gpu.Index), fmt.Sprintf("%s, %s, driver %s", gpu.Name, table.Bytes(gpu.MemoryBytes), gpu.Driver)})
	}
	var missing []string
	for source := range e.Missing {
		missing = append(missing, source)
	}
	slices.Sort(missing)
	for _, source := range missing {
		facts = append(facts, [2]string{"no " + source, e.Missing[source]})
	}
	return slices.DeleteFunc(facts, func(f [2]string) bool { return f[1] == "" })
}
