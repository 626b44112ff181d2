package html

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/table"
)

// usageTable is what the runners used while they were timed; nil when nothing
// was sampled.
func usageTable(w *workloadView) *grid {
	g := newGrid(w.Anchor+"-usage-table", "What "+w.ID+" used while it was timed", "runner", "#CPU %", "#machine %", "#threads busy", "#at once",
		"#memory peak", "#others' CPUs", "#stolen %", "#throttled s", "#GPU %", "#GPU memory", "#GPU W",
		"#GPU MHz", "#GPU °C", "#images/J", "warnings")
	for _, c := range w.Cells {
		u := c.Utilization
		if u == nil {
			continue
		}
		g.add(c.Mark, c.named(), optional("%.0f", u.CPUPercent), optional("%.0f", u.HostCPUPercent), optional("%.1f", u.ThreadsBusy), optional("%.1f", u.ThreadsAtOnce),
			byteCell(u.MemoryPeakBytes), optional("%.2f", u.ForeignCPUs), optional("%.1f", u.StealPercent), secondsCell(u.ThrottledNS),
			optional("%.0f", u.GPUPercent), byteCell(u.GPUMemoryBytes), optional("%.0f", u.GPUPowerWatts),
			optional("%.0f", u.GPUClockMHz), optional("%.0f", u.GPUTemperature), imagesPerJoule(u), cell{Mentions: w.mentions(c.Cell, aboutThroughput, aboutMemory)})
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

func imagesPerJoule(u *record.Utilization) cell {
	if u == nil {
		return text(absent)
	}
	return optionalFigure(u.ImagesPerJoule)
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

// energyChart is energy an image, of the GPU during the throughput blocks; nil
// if neither energy nor power was sampled.
func energyChart(w *workloadView) *chart {
	out := &chart{ID: w.Anchor + "-energy", Title: "Energy an image", Runner: -1,
		Note:     "Energy of the GPU in the throughput blocks over their images; the bar is the interval of the throughput, at the same power. The rest of the machine is not in it.",
		Label:    "Energy an image on " + w.ID + "; the table below has the figures",
		Table:    newGrid(w.Anchor+"-energy-table", "Energy an image on "+w.ID, "runner", "#mJ an image", "#low", "#high", "#images/J", "#GPU W", "energy from"),
		Mentions: w.warnedOf(aboutThroughput)}
	var estimates []estimate
	for _, c := range w.Cells {
		u, e := c.Utilization, summary.MillijoulesPerImage(c.Cell)
		if e == nil {
			continue
		}
		estimates = append(estimates, estimate{Estimate: *e, runner: c.Cell.Runner, mark: c.Mark})
		out.Table.add(c.Mark, append(append([]cell{text(c.Cell.Runner)}, bounds(*e)...), imagesPerJoule(u), optional("%.0f", u.GPUPowerWatts), text(orAbsent(u.EnergySource)))...)
	}
	if len(estimates) == 0 {
		return nil
	}
	out.Height, out.Drawing = intervalHeight(estimates), intervalPlot("mJ an image", estimates).drawing()
	return out
}

// noEnergy says why no energy is shown.
func noEnergy(rec *record.Record) string {
	for _, source := range []string{"energy", "nvml", "gpu"} {
		if reason := rec.Environment.Missing[source]; reason != "" {
			return fmt.Sprintf("Energy an image is not shown: no source of power (%s: %s).", source, reason)
		}
	}
	return "Energy an image is not shown: no source of power was sampled."
}
