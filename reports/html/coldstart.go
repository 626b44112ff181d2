package html

import (
	"fmt"
	"slices"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// phaseTones are the tones of the phases, in the order of time.
var phaseTones = []string{"p0", "p1", "p2", "p3"}

// coldStartChart is what passes before the second iteration: medians over
// processes; nil if nothing was measured.
func coldStartChart(w *workloadView) *chart {
	starts := startsOf(w)
	if len(starts) == 0 {
		return nil
	}
	out := &chart{ID: w.Anchor + "-coldstart", Title: "Cold start", Height: 74 + 30*len(starts), Runner: -1,
		Note:  "Medians over processes, with files that lie in the page cache from the second process on.",
		Label: fmt.Sprintf("Seconds from the start to the end of the first iteration on %s; the table below has the figures", w.ID),
		Table: coldStartTable(w, starts), Mentions: w.warnedOf(aboutStart)}
	var names []string
	var numbers []int
	for _, s := range starts {
		names, numbers = append(names, s.name), append(numbers, s.Mark)
	}
	if slices.ContainsFunc(starts, func(s start) bool { return s.Cell.ColdStartup != nil }) {
		out.Note += " A runner that keeps what it compiles starts in two ways: compiling, when it finds nothing, and with what an earlier process compiled."
	}
	p := newRowPlot(valueAxis("seconds"), names, numbers)
	for _, s := range starts {
		until := 0.0
		for i, ph := range summary.Phases(s.startup) {
			until += ph.Seconds
			p.add(s.Mark, phaseBar(ph, phaseTones[i], s, until))
		}
	}
	for i, ph := range summary.Phases(starts[0].startup) {
		out.Key = append(out.Key, key{phaseTones[i], ph.Name})
	}
	out.Drawing = p.drawing()
	return out
}

// start is one way in which a runner starts.
type start struct {
	cellView
	name    string
	startup *record.Startup
}

// startsOf are those of all cells: two of a runner that keeps what it compiles, if
// both were seen.
func startsOf(w *workloadView) []start {
	var all []start
	for _, c := range w.Cells {
		usual, compiling := c.Cell.Startup, c.Cell.ColdStartup
		if usual == nil {
			continue
		}
		if compiling == nil || *compiling != *usual {
			all = append(all, start{c, c.Cell.Runner, usual})
		}
		if compiling != nil {
			all = append(all, start{c, c.Cell.Runner + ", compiling", compiling})
		}
	}
	return all
}

// phaseBar is a part of a runner's bar, which ends so many seconds after the
// start.
func phaseBar(ph summary.Phase, colour string, s start, until float64) series {
	return series{Dimensions: []string{"seconds", "runner", "seconds from the start", "phase"}, SingleSeries: charts.SingleSeries{
		Name: s.name, Type: "bar", Stack: "start", BarMaxWidth: "16", Encode: named(3, 0, 2),
		Data: [][4]any{{rounded(ph.Seconds), s.name, rounded(until), ph.Name}}, ItemStyle: &opts.ItemStyle{Color: Tone(colour), BorderColor: Tone("paper"), BorderWidth: 1}}}
}

func coldStartTable(w *workloadView, starts []start) *grid {
	g := newGrid(w.Anchor+"-coldstart-table", "Cold start on "+w.ID,
		"runner", "#start s", "#of it import s", "#load s", "#first iteration s", "#warm-up iterations", "steady then")
	for _, each := range starts {
		s, warm := each.startup, []cell{text(absent), text("")}
		if k := each.Cell.Calibration; k != nil {
			warm = []cell{count(k.WarmupIterations), text(map[bool]string{true: "yes", false: "no"}[k.Steady])}
		}
		g.add(each.Mark, append([]cell{text(each.name), number("%.2f", s.StartSeconds), number("%.2f", s.ImportSeconds),
			number("%.2f", s.LoadSeconds), number("%.3f", s.FirstIterationSeconds)}, warm...)...)
	}
	return g
}
