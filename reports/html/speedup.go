package html

import (
	"fmt"
	"slices"

	"github.com/go-echarts/go-echarts/v2/charts"
	"github.com/go-echarts/go-echarts/v2/opts"

	"github.com/dlbench/dlbench/metrics/summary"
)

// speedupCharts draw speed-up over threads, for every work that the record has
// with several numbers of them.
func speedupCharts(v *view) []*chart {
	var works []string
	for _, w := range v.Record.Workloads {
		if work := summary.ThreadWork(w); work != "" && !slices.Contains(works, work) {
			works = append(works, work)
		}
	}
	var all []*chart
	for _, work := range works {
		all = append(all, speedupChart(v, work)...)
	}
	return all
}

// speedupChart draws speed-up, and beside it efficiency; nothing unless some
// runner was measured with one thread and with more.
func speedupChart(v *view, work string) []*chart {
	id := v.anchors.unique(v.Prefix + "speedup-" + slug(work))
	first := &chart{ID: id, Title: work + ": speed-up", Height: 320, Runner: -1, Top: true,
		Label: fmt.Sprintf("Speed-up of %s over threads; the table below has the figures", work),
		Table: newGrid(id+"-table", "Speed-up and parallel efficiency of "+work, "runner", "#threads", "#images/s", "#speed-up", "#low", "#high", "#efficiency %")}
	second := &chart{ID: v.anchors.unique(id + "-efficiency"), Title: work + ": parallel efficiency", Height: 320, Runner: -1, Top: true,
		Label: fmt.Sprintf("Parallel efficiency of %s over threads; the table beside it has the figures", work)}
	times := newPlot("item", logAxis("threads"), opts.YAxis{Type: "log", Name: "speed-up (logarithmic)"}).frame(true)
	shares := newPlot("item", logAxis("threads"), uprightAxis("% of proportional")).frame(true)
	most := 1
	for mark, name := range v.marks.names {
		list := summary.Speedups(v.Record, work, name)
		if len(list) == 0 {
			continue
		}
		for _, s := range list {
			most = max(most, s.Threads)
			first.Table.add(mark, text(name), count(s.Threads), bounds(s.Throughput)[0], number("%.2f", s.Times.Value), number("%.2f", s.Times.Low),
				number("%.2f", s.Times.High), number("%.0f", 100*s.Efficiency.Value))
		}
		addLine(times, name, mark, "threads", "speed-up", list, func(s summary.Speedup) (int, summary.Estimate) { return s.Threads, s.Times })
		addLine(shares, name, mark, "threads", "efficiency %", list, func(s summary.Speedup) (int, summary.Estimate) { return s.Threads, s.Efficiency.Scaled(100) })
	}
	if most == 1 {
		return nil
	}
	times.add(-1, even([2]int{1, 1}, [2]int{most, most}))
	shares.add(-1, even([2]int{1, 100}, [2]int{most, 100}))
	first.Drawing, second.Drawing = times.drawing(), shares.drawing()
	return []*chart{first, second}
}

// even is what every runner would reach if each thread added as much as the first.
func even(from, to [2]int) series {
	return series{SingleSeries: charts.SingleSeries{Name: "proportional", Type: "line", Data: [][2]int{from, to}, Symbol: "none",
		LineStyle: &opts.LineStyle{Width: 1, Color: Tone("soft"), Type: "dashed"}, ItemStyle: &opts.ItemStyle{Color: Tone("soft")}}}
}
