package html

import (
	"fmt"
	"slices"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/dlbench/dlbench/metrics/summary"
)

// phaseTones are the tones of the phases, in the order of time.
var phaseTones = []string{"p0", "p1", "p2", "p3"}

// coldStartChart is what passes before the second iteration: medians over
// processes; nil if nothing was measured.
func coldStartChart(w *workloadView) *chart {
	cells := slices.DeleteFunc(slices.Clone(w.Cells), func(c cellView) bool { return c.Cell.Startup == nil })
	if len(cells) == 0 {
		return nil
	}
	out := &chart{ID: w.Anchor + "-coldstart", Title: "Cold start", Height: 74 + 30*len(cells), Runner: -1,
		Note:  "Medians over processes, with files that lie in the page cache from the second process on.",
		Label: fmt.Sprintf("Seconds from the start to the end of the first iteration on %s; the table below has the figures", w.ID),
		Table: coldStartTable(w, cells), Mentions: w.warnedOf(aboutStart)}
	var names []string
	var numbers []int
	for _, c := range cells {
		names, numbers = append(names, c.Cell.Runner), append(numbers, c.Mark)
	}
	p := newRowPlot(valueAxis("seconds"), names, numbers)
	for _, c := range cells {
		until := 0.0
		for i, ph := range summary.Phases(c.Cell.Startup) {
			until += ph.Seconds
			p.add(c.Mark, phaseBar(ph, phaseTones[i], c, until))
		}
	}
	for i, ph := range summary.Phases(cells[0].Cell.Startup) {
		out.Key = append(out.Key, key{phaseTones[i], ph.Name})
	}
	out.Drawing = p.drawing()
	return out
}

// phaseBar is a part of a runner's bar, which ends so many seconds after the
// start.
func phaseBar(ph summary.Phase, colour string, c cellView, until float64) series {
	return series{Dimensions: []string{"seconds", "runner", "seconds from the start", "phase"}, SingleSeries: charts.SingleSeries{
		Name: c.Cell.Runner, Type: "bar", Stack: "start", BarMaxWidth: "16", Encode: named(3, 0, 2),
		Data: [][4]any{{rounded(ph.Seconds), c.Cell.Runner, rounded(until), ph.Name}}, ItemStyle: &opts.ItemStyle{Color: Tone(colour), BorderColor: Tone("paper"), BorderWidth: 1}}}
}

func coldStartTable(w *workloadView, cells []cellView) *grid {
	g := newGrid(w.Anchor+"-coldstart-table", "Cold start on "+w.ID,
		"runner", "#start s", "#of it import s", "#load s", "#first iteration s", "#warm-up iterations", "steady then")
	for _, c := range cells {
		s, warm := c.Cell.Startup, []cell{text(absent), text("")}
		if k := c.Cell.Calibration; k != nil {
			warm = []cell{count(k.WarmupIterations), text(map[bool]string{true: "yes", false: "no"}[k.Steady])}
		}
		g.add(c.Mark, append([]cell{text(c.Cell.Runner), number("%.2f", s.StartSeconds), number("%.2f", s.ImportSeconds),
			number("%.2f", s.LoadSeconds), number("%.3f", s.FirstIterationSeconds)}, warm...)...)
	}
	return g
}
