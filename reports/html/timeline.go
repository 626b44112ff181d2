package html

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// lane is a strip of a timeline: one quantity, one axis.
type lane struct {
	axis   string
	tracks []track
}

// track is a source in a lane.
type track struct {
	name, dash string
	series     *record.Series
	scale      float64
}

const (
	laneHeight = 84 // pixels
	laneGap    = 32
	laneTop    = 30
)

// timelines draw what was sampled while a process ran, one figure a runner. The
// process is the one of median throughput, so that no oddity stands for all.
func timelines(w *workloadView) []*chart {
	var all []*chart
	for _, c := range w.Cells {
		p := summary.MedianProcess(c.Cell, w.Batch)
		if p == nil {
			continue
		}
		if lanes := lanesOf(p, c.Cell.Device, w.rec.Environment.LogicalCPUs); len(lanes) > 0 {
			all = append(all, timeline(w, c, p, lanes))
		}
	}
	return all
}

// lanesOf are the quantities that the process has sources for.
func lanesOf(p *record.Process, device string, cpus int) []lane {
	gpu := func(about string) *record.Series { return summary.CardSeries(p, device, about) }
	candidates := []lane{
		{"CPU %", []track{{"runner", "solid", p.SeriesNamed(record.SeriesCPU), 1}, {"whole machine", "dotted", p.SeriesNamed(record.SeriesHostCPU), float64(max(1, cpus))}}},
		{"memory MiB", []track{{"runner", "solid", p.SeriesNamed(record.SeriesMemory), 1.0 / (1 << 20)}}},
		{"GPU %", []track{{"GPU", "solid", gpu(record.GPUPercent), 1}}},
		{"GPU memory MiB", []track{{"GPU", "solid", gpu(record.GPUMemory), 1.0 / (1 << 20)}}},
		{"GPU power W", []track{{"GPU", "solid", gpu(record.GPUPower), 1}}},
		{"GPU clock MHz", []track{{"GPU", "solid", gpu(record.GPUClock), 1}}},
		{"clocks held down", heldBy(p, device)},
	}
	var lanes []lane
	for _, l := range candidates {
		l.tracks = slices.DeleteFunc(l.tracks, func(t track) bool { return t.series == nil || len(t.series.TimeNS) < 2 })
		if len(l.tracks) > 0 {
			lanes = append(lanes, l)
		}
	}
	return lanes
}

func timeline(w *workloadView, c cellView, p *record.Process, lanes []lane) *chart {
	id := fmt.Sprintf("%s-time-%s", w.Anchor, slug(c.Cell.Runner))
	out := &chart{ID: w.anchors.unique(id), Title: c.Cell.Runner, Runner: c.Mark, Height: laneTop + len(lanes)*(laneHeight+laneGap) + 30,
		Note:  fmt.Sprintf("Round %d, the process of median throughput.", p.Round+1),
		Label: fmt.Sprintf("What was sampled while %s computed %s; the timed blocks are shaded, and the table below lists them", c.Cell.Runner, w.ID),
		Table: blockTable(w, c, id, p)}
	origin := lanes[0].tracks[0].series.TimeNS[0]
	plot := newPlot("axis", opts.XAxis{}, opts.YAxis{})
	plot.line.XAxisList, plot.line.YAxisList = nil, nil
	for i, l := range lanes {
		plot.addLane(i, l, i == len(lanes)-1, p, c.Mark, origin)
	}
	out.Drawing = plot.drawing()
	return out
}

// addLane gives a lane its own pair of axes over the shared time.
func (p *plot) addLane(i int, l lane, last bool, process *record.Process, mark int, origin int64) {
	p.line.GridList = append(p.line.GridList, opts.Grid{Left: "62", Right: "16", Top: fmt.Sprint(laneTop + i*(laneHeight+laneGap)), Height: fmt.Sprint(laneHeight)})
	x := opts.XAxis{Type: "value", Min: 0, GridIndex: i, AxisLabel: &opts.AxisLabel{Show: opts.Bool(last)}}
	if last {
		x.Name, x.NameLocation, x.NameGap = "seconds", "middle", 26
	}
	p.line.ExtendXAxis(x)
	p.line.ExtendYAxis(opts.YAxis{Type: "value", Min: 0, GridIndex: i, Name: l.axis, SplitNumber: 2})
	for k, t := range l.tracks {
		s := charts.SingleSeries{Name: t.name + " " + l.axis, Type: "line", Symbol: "none", XAxisIndex: i, YAxisIndex: i,
			DatasetIndex: len(p.line.DatasetList), Encode: &opts.Encode{X: "s", Y: "v"},
			LineStyle: &opts.LineStyle{Width: 2, Color: Colour(mark), Type: t.dash}, ItemStyle: &opts.ItemStyle{Color: Colour(mark)}}
		if k > 0 {
			s.LineStyle.Color, s.LineStyle.Width, s.ItemStyle.Color = Tone("soft"), 1.5, Tone("soft")
		}
		if k == 0 {
			s.MarkAreas = shades(process, origin)
		}
		p.line.AddDataset(t.columns(origin))
		p.add(-1, series{SingleSeries: s}) // the whole chart is its runner's
	}
}

// columns are seconds and values, each together, which packs better than pairs.
// They keep milliseconds and three digits of the values: a lane is a finger high.
func (t track) columns(origin int64) opts.Dataset {
	xs, ys := thinned(t.series, origin)
	seconds, values := make([]Datum, len(xs)), make([]Datum, len(ys))
	for i := range xs {
		seconds[i], values[i] = Datum(math.Round(1000*xs[i])/1000), roundedTo(3, ys[i]*t.scale)
	}
	return opts.Dataset{Source: map[string][]Datum{"s": seconds, "v": values}}
}

// shades are the spans of the timed blocks, single-stream ones darker.
func shades(p *record.Process, origin int64) *opts.MarkAreas {
	areas := &opts.MarkAreas{}
	at := func(ns int64) Datum { return rounded(float64(ns-origin) / 1e9) }
	for _, b := range p.Blocks {
		colour := Tone("shade")
		if b.Scenario != record.Offline && b.Scenario != record.Train {
			colour = Tone("shade2")
		}
		areas.Data = append(areas.Data, [2]any{
			map[string]any{"xAxis": at(b.StartNS), "itemStyle": map[string]any{"color": colour}}, map[string]any{"xAxis": at(b.EndNS)}})
	}
	return areas
}

func blockTable(w *workloadView, c cellView, id string, p *record.Process) *grid {
	g := newGrid(id+"-table", "Blocks of "+w.ID, "#block", "scenario", "#iterations", "#seconds", "#CPU %", "#machine %", "#GPU %",
		"#GPU W", "#GPU J", "#GPU MHz", "clocks held down by", "#CPU J")
	for i, b := range p.Blocks {
		card := summary.CardDuring(p, c.Cell.Device, &b)
		g.add(c.Mark, count(i+1), text(b.Scenario), count(b.Iterations), number("%.4f", b.Seconds()),
			optional("%.0f", b.CPUPercent), optional("%.0f", b.HostCPUPercent), optional("%.0f", b.GPUPercent),
			optional("%.0f", card.Watts), optionalFigure(card.Joules), optional("%.0f", card.ClockMHz), text(orAbsent(strings.Join(card.HeldBy, ", "))), optionalFigure(summary.ProcessorJoules(p, &b)))
	}
	return g.withoutEmpty()
}
