package html

import (
	"fmt"
	"slices"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"
)

// phase is a part of the cold start, in the order of time.
type phase struct {
	name, tone string
	of         func(c cellView) float64
}

// The engine's start contains the import, so the rest of it is shown apart.
var phases = []phase{
	{"container and process", "p0", func(c cellView) float64 { return max(0, c.Cell.Startup.StartSeconds-c.Cell.Startup.ImportSeconds) }},
	{"import", "p1", func(c cellView) float64 { return c.Cell.Startup.ImportSeconds }},
	{"load", "p2", func(c cellView) float64 { return c.Cell.Startup.LoadSeconds }},
	{"first iteration", "p3", func(c cellView) float64 { return c.Cell.Startup.FirstIterationSeconds }},
}

// coldStartChart is what passes before the second iteration: medians over
// processes; nil where nothing was measured.
func coldStartChart(w *workloadView) *chart {
	cells := slices.DeleteFunc(slices.Clone(w.Cells), func(c cellView) bool { return c.Cell.Startup == nil })
	if len(cells) == 0 {
		return nil
	}
	out := &chart{ID: w.Anchor + "-coldstart", Title: "Cold start", Height: 74 + 30*len(cells), Runner: -1,
		Note:  "Medians over processes, with files that lie in the page cache from the second process on.",
		Label: fmt.Sprintf("Seconds from the start to the end of the first iteration on %s; the table below has the figures", w.ID),
		Table: coldStartTable(w, cells), Notes: w.caveats(aboutStart)}
	var names []string
	var numbers []int
	for _, c := range cells {
		names, numbers = append(names, c.Cell.Runner), append(numbers, c.Mark)
	}
	p := newRowPlot(valueAxis("seconds"), names, numbers)
	for _, c := range cells {
		until := 0.0
		for _, ph := range phases {
			until += ph.of(c)
			p.add(c.Mark, phaseBar(ph, c, until))
		}
	}
	for _, ph := range phases {
		out.Key = append(out.Key, key{ph.tone, ph.name})
	}
	out.Drawing = p.drawing()
	return out
}

// phaseBar is a part of a runner's bar, which ends so many seconds after the
// start.
func phaseBar(ph phase, c cellView, until float64) series {
	return series{Dimensions: []string{ph.name + ", s", "runner", "from the start, s"}, SingleSeries: charts.SingleSeries{
		Name: c.Cell.Runner, Type: "bar", Stack: "start", BarMaxWidth: "16", Encode: shows(0, 2),
		Data: [][3]any{{rounded(ph.of(c)), c.Cell.Runner, rounded(until)}}, ItemStyle: &opts.ItemStyle{Color: tone(ph.tone), BorderColor: tone("paper"), BorderWidth: 1}}}
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
