package html

import (
	"maps"
	"slices"
	"strings"

	"github.com/dlbench/dlbench/reports/table"
)

// usageTable is what the runners used while they were timed; nil when nothing
// was sampled.
func usageTable(w *workloadView) *grid {
	g := newGrid(w.Anchor+"-usage-table", "What "+w.ID+" used while it was timed", "runner", "#CPU %", "#machine %", "#threads busy", "#at once",
		"#memory peak", "#others' CPUs", "#stolen %", "#throttled s", "#GPU %", "#GPU memory", "#GPU W",
		"#GPU MHz", "#GPU °C", "#images/J", "#CPU W", "#images/CPU J", "warnings")
	for _, c := range w.Cells {
		u := c.Utilization
		if u == nil {
			continue
		}
		g.add(c.Mark, c.named(), optional("%.0f", u.CPUPercent), optional("%.0f", u.HostCPUPercent), optional("%.1f", u.ThreadsBusy), optional("%.1f", u.ThreadsAtOnce),
			byteCell(u.MemoryPeakBytes), optional("%.2f", u.ForeignCPUs), optional("%.1f", u.StealPercent), secondsCell(u.ThrottledNS),
			optional("%.0f", u.GPUPercent), byteCell(u.GPUMemoryBytes), optional("%.0f", u.GPUPowerWatts),
			optional("%.0f", u.GPUClockMHz), optional("%.0f", u.GPUTemperature), optionalFigure(u.ImagesPerJoule),
			optional("%.0f", u.CPUPowerWatts), optionalFigure(u.ImagesPerCPUJoule), cell{Mentions: w.mentions(c.Cell, aboutThroughput, aboutMemory)})
	}
	if len(g.Rows) == 0 {
		return nil
	}
	return g.withoutEmpty()
}

// withoutEmpty leaves out the columns that no row has anything in; what lacks a
// source is named beside the table.
func (g *grid) withoutEmpty() *grid {
	for i := len(g.Columns) - 1; i > 0; i-- {
		filled := slices.ContainsFunc(g.Rows, func(r row) bool {
			return r.Cells[i].Text != absent && (r.Cells[i].Text != "" || len(r.Cells[i].Mentions) > 0 || r.Cells[i].Strip != nil)
		})
		if filled {
			continue
		}
		g.Columns = slices.Delete(g.Columns, i, i+1)
		for k := range g.Rows {
			g.Rows[k].Cells = slices.Delete(g.Rows[k].Cells, i, i+1)
		}
	}
	return g
}

func byteCell(n *int64) cell {
	if n == nil {
		return text(absent)
	}
	v := float64(*n)
	return cell{Text: table.Bytes(*n), Value: &v}
}

func secondsCell(ns *int64) cell {
	if ns == nil {
		return text(absent)
	}
	return number("%.2f", float64(*ns)/1e9)
}

// missingSources says what could not be sampled, and why.
func missingSources(w *workloadView) []string {
	who, sampled := map[string][]string{}, 0
	for _, c := range w.Cells {
		if c.Utilization == nil {
			continue
		}
		sampled++
		for source, reason := range c.Utilization.Missing {
			key := source + ": " + reason
			who[key] = append(who[key], c.Cell.Runner)
		}
	}
	var lines []string
	for _, key := range slices.Sorted(maps.Keys(who)) {
		if len(who[key]) == sampled {
			lines = append(lines, key)
		} else {
			lines = append(lines, key+" ("+strings.Join(who[key], ", ")+")")
		}
	}
	return lines
}
