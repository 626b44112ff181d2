package html

import (
	"slices"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
)

// cardSeries is what was read of the card that a device names; nil where nobody
// read that, as of CPUs.
func cardSeries(p *record.Process, device, about string) *record.Series {
	if !record.OnGPU(device) {
		return nil
	}
	return p.SeriesNamed(record.GPUSeries(record.GPUIndex(device), about))
}

// heldBy are the reasons that held a card's clocks down at some time, with when
// they did.
func heldBy(p *record.Process, device string) []track {
	var tracks []track
	for _, reason := range []struct{ about, name, dash string }{{record.GPUThermalLimit, "heat", "solid"}, {record.GPUPowerCap, "power cap", "dashed"},
		{record.GPUPowerBrake, "power supply's brake", "dotted"}, {record.GPUSlowdown, "hardware", "dashed"}} {
		s := cardSeries(p, device, reason.about)
		if s != nil && slices.ContainsFunc(s.Values, func(v float64) bool { return v > 0 }) {
			tracks = append(tracks, track{reason.name, reason.dash, s, 1})
		}
	}
	return tracks
}

// heldIn names what held the clocks down in a block; absent where nothing did.
func heldIn(b record.Block, reasons []track) string {
	var names []string
	for _, r := range reasons {
		if v, ok := r.series.Mean(b.StartNS, b.EndNS); ok && v > 0 {
			names = append(names, r.name)
		}
	}
	return orAbsent(strings.Join(names, ", "))
}

func mean(format string, s *record.Series, b record.Block) cell {
	v, ok := s.Mean(b.StartNS, b.EndNS)
	if !ok {
		return text(absent)
	}
	return number(format, v)
}

// joules is what the card's counter grew by in a block.
func joules(s *record.Series, b record.Block) cell {
	v, ok := s.Increase(b.StartNS, b.EndNS)
	if !ok || v < 0 {
		return text(absent)
	}
	return figure(v, 0)
}
