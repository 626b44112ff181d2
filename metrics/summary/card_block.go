package summary

import "github.com/dlbench/dlbench/metrics/record"

// CardLimits are what can hold a card's clocks down: the series that tells, and
// its name.
var CardLimits = []struct{ About, Name string }{{record.GPUThermalLimit, "heat"}, {record.GPUPowerCap, "power cap"},
	{record.GPUPowerBrake, "power supply's brake"}, {record.GPUSlowdown, "hardware"}}

// CardBlock is what a card did during a block; nil is what nobody read.
type CardBlock struct {
	Watts, Joules, ClockMHz *float64
	HeldBy                  []string // what held its clocks down
}

// CardSeries is what was read of the card that a device names; nil if nobody
// read that, as of CPUs.
func CardSeries(p *record.Process, device, about string) *record.Series {
	if !record.OnGPU(device) {
		return nil
	}
	return p.SeriesNamed(record.GPUSeries(record.GPUIndex(device), about))
}

// CardDuring is what the process's card did during one of its blocks.
func CardDuring(p *record.Process, device string, b *record.Block) CardBlock {
	mean := func(about string) *float64 {
		v, ok := CardSeries(p, device, about).Mean(b.StartNS, b.EndNS)
		if !ok {
			return nil
		}
		return &v
	}
	out := CardBlock{Watts: mean(record.GPUPower), ClockMHz: mean(record.GPUClock)}
	if j, ok := CardSeries(p, device, record.GPUEnergy).Increase(b.StartNS, b.EndNS); ok && j >= 0 {
		out.Joules = &j
	}
	for _, limit := range CardLimits {
		if v := mean(limit.About); v != nil && *v > 0 {
			out.HeldBy = append(out.HeldBy, limit.Name)
		}
	}
	return out
}
