package html

import (
	"fmt"
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// The parts of a machine whose energy is counted each get a chart, because a sum
// would be read as the machine's.

// gpuEnergyChart is energy an image, of the GPU during the throughput blocks; nil
// if neither energy nor power was sampled.
func gpuEnergyChart(w *workloadView) *chart {
	out := &chart{ID: w.Anchor + "-energy", Title: "Energy an image",
		Note:  "Energy of the GPU in the throughput blocks over their images; the bar is the interval of the throughput, at the same power. The rest of the machine is not in it.",
		Label: "Energy an image on " + w.ID + "; the table below has the figures",
		Table: newGrid(w.Anchor+"-energy-table", "Energy an image on "+w.ID, "runner", "#mJ an image", "#low", "#high", "#images/J", "#GPU W", "energy from")}
	return drawEnergy(w, out, summary.MillijoulesPerImage, func(u *record.Utilization) []cell {
		return []cell{optionalFigure(u.ImagesPerJoule), optional("%.0f", u.GPUPowerWatts), text(orAbsent(u.EnergySource))}
	})
}

// cpuEnergyChart is that of the processors; nil if it was not sampled.
func cpuEnergyChart(w *workloadView) *chart {
	out := &chart{ID: w.Anchor + "-cpu-energy", Title: "Processors' energy an image",
		Note: fmt.Sprintf("Energy of all processors (%s) in the throughput blocks over their images, whoever used them; the bar is the interval of the throughput, at the same power. "+
			"Memory modules, GPUs and the rest of the machine are not in it.", orAbsent(w.rec.Environment.CPUEnergy)),
		Label: "Processors' energy an image on " + w.ID + "; the table below has the figures",
		Table: newGrid(w.Anchor+"-cpu-energy-table", "Processors' energy an image on "+w.ID, "runner", "#mJ an image", "#low", "#high", "#images/CPU J", "#CPU W")}
	return drawEnergy(w, out, summary.ProcessorMillijoulesPerImage, func(u *record.Utilization) []cell {
		return []cell{optionalFigure(u.ImagesPerCPUJoule), optional("%.0f", u.CPUPowerWatts)}
	})
}

// drawEnergy fills a chart with a cell's estimates and a table with what stands
// beside them; nil without an estimate.
func drawEnergy(w *workloadView, out *chart, of func(*record.Cell) *summary.Estimate, beside func(*record.Utilization) []cell) *chart {
	var estimates []estimate
	for _, c := range w.Cells {
		e := of(c.Cell)
		if e == nil {
			continue
		}
		estimates = append(estimates, estimate{Estimate: *e, runner: c.Cell.Runner, mark: c.Mark})
		out.Table.add(c.Mark, slices.Concat([]cell{text(c.Cell.Runner)}, bounds(*e), beside(c.Utilization))...)
	}
	if len(estimates) == 0 {
		return nil
	}
	out.Runner, out.Mentions = -1, w.warnedOf(aboutThroughput)
	out.Height, out.Drawing = intervalHeight(estimates), intervalPlot("mJ an image", estimates).drawing()
	return out
}

// noEnergy says why energy is not drawn: the GPUs' if the cells computed there,
// and the processors'.
func noEnergy(w *workloadView) (reasons []string) {
	drawn := func(id string) bool {
		return slices.ContainsFunc(w.Charts, func(c *chart) bool { return c.ID == w.Anchor+id })
	}
	onGPU := slices.ContainsFunc(w.Cells, func(c cellView) bool { return record.OnGPU(c.Device) })
	if onGPU && !drawn("-energy") {
		reasons = append(reasons, "Energy of the GPU an image is not shown: "+missingAt(w.rec, "no source of power was sampled", "energy", "nvml", "gpu"))
	}
	if !drawn("-cpu-energy") {
		reasons = append(reasons, "Energy of the processors an image is not shown: "+missingAt(w.rec, "it was not sampled", record.SeriesCPUEnergy))
	}
	return reasons
}

// missingAt is why the first of these sources is missing on the machine.
func missingAt(rec *record.Record, otherwise string, sources ...string) string {
	for _, source := range sources {
		if reason := rec.Environment.Missing[source]; reason != "" {
			return reason + "."
		}
	}
	return otherwise + "."
}
