package html

import (
	"fmt"
	"slices"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"
)

// phase is a part of the cold start, in the order of time.
type phase struct {
	name, colour string
	of           func(c cellView) float64
}

// The engine's start contains the import, so the rest of it is shown apart.
var phases = []phase{
	{"container and process", "--p0", func(c cellView) float64 { return max(0, c.Cell.Startup.StartSeconds-c.Cell.Startup.ImportSeconds) }},
	{"import", "--p1", func(c cellView) float64 { return c.Cell.Startup.ImportSeconds }},
	{"load", "--p2", func(c cellView) float64 { return c.Cell.Startup.LoadSeconds }},
	{"first iteration", "--p3", func(c cellView) float64 { return c.Cell.Startup.FirstIterationSeconds }},
}

// coldStartChart is what passes before the second iteration: medians over
// processes; nil where nothing was measured.
func coldStartChart(w *workloadView) *chart {
	cells := slices.DeleteFunc(slices.Clone(w.Cells), func(c cellView) bool { return c.Cell.Startup == nil })
	if len(cells) == 0 {
		return nil
	}
	out := &chart{ID: w.Anchor + "-coldstart", Title: "Cold start", Height: 96 + 30*len(cells), Runner: -1,
		Note:  "Medians over processes, with files that lie in the page cache from the second process on.",
		Label: fmt.Sprintf("Seconds from the start to the end of the first iteration on %s; the table below has the figures", w.ID),
		Table: coldStartTable(w, cells), Notes: w.caveats(aboutStart)}
	var names []string
	for _, c := range slices.Backward(cells) {
		names = append(names, c.Cell.Runner)
	}
	p := newPlot("item", valueAxis("seconds"), opts.YAxis{Type: "category", Data: names}).frame(true)
	for _, ph := range phases {
		var data [][2]any
		for _, c := range cells {
			data = append(data, [2]any{rounded(ph.of(c)), c.Cell.Runner})
		}
		p.add(-1, charts.SingleSeries{Name: ph.name, Type: "bar", Stack: "start", BarMaxWidth: "16", Data: data,
			ItemStyle: &opts.ItemStyle{Color: ph.colour, BorderColor: "--paper", BorderWidth: 1}})
	}
	out.Options = p.options()
	return out
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
