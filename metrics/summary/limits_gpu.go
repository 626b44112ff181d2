package summary

import (
	"fmt"
	"math"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
)

// warnOfGPULimits warns that a card was held back, disturbed or broken while the
// cell was timed.
func warnOfGPULimits(r *record.Record, c *record.Cell) {
	warn := warner(r, c)
	held := func(about string) blockCount { return countBlocks(c, about, func(v float64) bool { return v > 0 }) }
	if hot := held(record.GPUThermalLimit); hot.held > 0 {
		warn(record.GPUThermal, "heat held the GPU's clocks down in %s", hot)
	}
	var powers []string
	for _, limit := range []struct{ about, words string }{{record.GPUPowerCap, "the power cap"}, {record.GPUPowerBrake, "the power supply's brake"}} {
		if b := held(limit.about); b.held > 0 {
			powers = append(powers, fmt.Sprintf("%s in %s", limit.words, b))
		}
	}
	if len(powers) > 0 {
		warn(record.GPUPowerLimit, "the GPU's clocks were held down: %s", strings.Join(powers, ", "))
	}
	if slow := held(record.GPUSlowdown); slow.held > 0 {
		warn(record.GPUHardware, "the GPU's hardware held its clocks down in %s and did not say why", slow)
	}
	if card := r.Environment.GPUAt(record.GPUIndex(c.Device)); card != nil {
		lanes := countBlocks(c, record.GPULinkWidth, func(v float64) bool { return v < float64(card.PCIeWidthMax) })
		generation := countBlocks(c, record.GPULinkGeneration, func(v float64) bool { return v < float64(card.PCIeGenerationMax) })
		var worse []string
		if lanes.held > 0 {
			worse = append(worse, fmt.Sprintf("%.3g of %d lanes in %s", lanes.least, card.PCIeWidthMax, lanes))
		}
		if generation.held > 0 {
			worse = append(worse, fmt.Sprintf("generation %.3g of %d in %s", generation.least, card.PCIeGenerationMax, generation))
		}
		if len(worse) > 0 {
			warn(record.GPULink, "the GPU's PCIe link had %s", strings.Join(worse, ", "))
		}
	}
	if n := ofBlocks(c, record.GPUECCErrors); n > 0 {
		warn(record.GPUECC, "the GPU's memory had %.3g errors that could not be corrected while it was timed", n)
	}
	if others := held(record.GPUOthers); others.held > 0 {
		warn(record.GPUForeign, "other processes were on the GPU in %s: stop them, or take another card", others)
	}
}

// blockCount is in how many blocks something held, of those in which one looked.
type blockCount struct {
	held, seen int
	least      float64 // mean of a block in which it held
}

func (b blockCount) String() string { return fmt.Sprintf("%d of %d blocks", b.held, b.seen) }

// countBlocks looks at the mean of a card's series over each block.
func countBlocks(c *record.Cell, about string, holds func(mean float64) bool) blockCount {
	count := blockCount{least: math.Inf(1)}
	for _, p := range c.MeasuredProcesses() {
		s := p.SeriesNamed(record.GPUSeries(record.GPUIndex(c.Device), about))
		for _, b := range p.Blocks {
			v, ok := s.Mean(b.StartNS, b.EndNS)
			if !ok {
				continue
			}
			count.seen++
			if holds(v) {
				count.held++
				count.least = min(count.least, v)
			}
		}
	}
	return count
}

// ofBlocks is how much a card's counter grew over all blocks.
func ofBlocks(c *record.Cell, about string) (total float64) {
	for _, p := range c.MeasuredProcesses() {
		for i := range p.Blocks {
			total += grown(p, record.GPUSeries(record.GPUIndex(c.Device), about), &p.Blocks[i])
		}
	}
	return total
}
