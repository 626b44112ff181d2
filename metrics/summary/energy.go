package summary

import (
	"fmt"

	"github.com/dlbench/dlbench/metrics/record"
)

// Where a cell's energy comes from.
const (
	fromCounter = "the GPU's energy counter, interpolated at the blocks' edges"
	fromPower   = "mean power × time: the GPU did not count its energy throughout"
)

// addEnergy adds what a card used in the throughput blocks of a process, and
// the images it computed for that: medians over processes. Every process is
// judged by the same source: the counter if each of them has it.
func addEnergy(u *record.Utilization, r *record.Record, c *record.Cell) {
	w := r.Workload(c.Workload)
	if w == nil || !record.OnGPU(c.Device) {
		return
	}
	gpu := record.GPUIndex(c.Device)
	power := record.GPUSeries(gpu, record.GPUPower)
	counter := counted(record.GPUSeries(gpu, record.GPUEnergy))
	powered := func(p *record.Process) (float64, bool) {
		s := p.SeriesNamed(power)
		return joules(p, func(b *record.Block) (float64, bool) {
			watts, ok := s.Mean(b.StartNS, b.EndNS)
			return watts * b.Seconds(), ok
		})
	}
	processes, of, source := c.MeasuredProcesses(), counter, fromCounter
	for _, p := range processes {
		if _, ok := counter(p); !ok {
			of, source = powered, fromPower
		}
	}
	u.GPUEnergyJoules = medianOver(processes, of)
	if u.GPUEnergyJoules == nil {
		return
	}
	u.ImagesPerJoule = imagesPerJoule(processes, w.Batch, of)
	u.EnergySource = source + wholeCard(r, gpu)
}

// addProcessorEnergy adds what all processors used in the throughput blocks of a
// process, the images that were computed meanwhile, and the power: medians over
// processes.
func addProcessorEnergy(u *record.Utilization, r *record.Record, c *record.Cell) {
	w := r.Workload(c.Workload)
	if w == nil {
		return
	}
	processes, of := c.MeasuredProcesses(), counted(record.SeriesCPUEnergy)
	u.CPUEnergyJoules = medianOver(processes, of)
	u.ImagesPerCPUJoule = imagesPerJoule(processes, w.Batch, of)
	u.CPUPowerWatts = medianOver(processes, func(p *record.Process) (float64, bool) {
		j, ok := of(p)
		return j / throughputSeconds(p), ok
	})
}

// ProcessorJoules is what all processors used during one of a process's blocks;
// nil if that is not known.
func ProcessorJoules(p *record.Process, b *record.Block) *float64 {
	j, ok := p.SeriesNamed(record.SeriesCPUEnergy).Increase(b.StartNS, b.EndNS)
	if !ok || j < 0 {
		return nil
	}
	return &j
}

// throughputSeconds is how long the throughput blocks took.
func throughputSeconds(p *record.Process) float64 {
	total := 0.0
	for i := range p.Blocks {
		if b := &p.Blocks[i]; b.TimesThroughput() {
			total += b.Seconds()
		}
	}
	return total
}

// counted is what a counter of joules says of a process.
func counted(series string) func(*record.Process) (float64, bool) {
	return func(p *record.Process) (float64, bool) {
		s := p.SeriesNamed(series)
		return joules(p, func(b *record.Block) (float64, bool) { return s.Increase(b.StartNS, b.EndNS) })
	}
}

// joules sums the energy of the throughput blocks; false if a block's is not
// known, for it would be missing in the sum, or if none was used.
func joules(p *record.Process, of func(*record.Block) (float64, bool)) (float64, bool) {
	total := 0.0
	for i := range p.Blocks {
		b := &p.Blocks[i]
		if !b.TimesThroughput() {
			continue
		}
		v, ok := of(b)
		if !ok || v < 0 { // a counter that fell was set back
			return 0, false
		}
		total += v
	}
	return total, total > 0
}

// imagesPerJoule is the median over processes, whose joules are given.
func imagesPerJoule(processes []*record.Process, batch int, of func(*record.Process) (float64, bool)) *float64 {
	return medianOver(processes, func(p *record.Process) (float64, bool) {
		j, ok := of(p)
		return images(p, batch) / j, ok
	})
}

// images are those of the throughput blocks.
func images(p *record.Process, batch int) float64 {
	n := 0
	for _, b := range p.Blocks {
		if b.TimesThroughput() {
			n += b.Iterations * batch
		}
	}
	return float64(n)
}

// wholeCard says of a MIG device that its energy is its card's.
func wholeCard(r *record.Record, gpu int) string {
	card := r.Environment.GPUAt(gpu)
	if card == nil || card.Parent == nil {
		return ""
	}
	return fmt.Sprintf("; of the whole GPU %d, of which this MIG device is a part", *card.Parent)
}
