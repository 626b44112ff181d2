package html

import (
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// limitDashes tell the limits of a card's clocks apart.
var limitDashes = map[string]string{record.GPUThermalLimit: "solid", record.GPUPowerBrake: "dotted"}

// heldBy are the reasons that held a card's clocks down at some time, with when
// they did.
func heldBy(p *record.Process, device string) []track {
	var tracks []track
	for _, limit := range summary.CardLimits {
		s := summary.CardSeries(p, device, limit.About)
		if s == nil || !slices.ContainsFunc(s.Values, func(v float64) bool { return v > 0 }) {
			continue
		}
		dash, ok := limitDashes[limit.About]
		if !ok {
			dash = "dashed"
		}
		tracks = append(tracks, track{limit.Name, dash, s, 1})
	}
	return tracks
}
