package summary

import (
	"math"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/stats"
)

// Payback is a variant held against its runner as it is: what it gains a step,
// and what it costs until its first one.
type Payback struct {
	Variant, Default *record.Cell
	Speed            Ratio   // throughput of the variant over the default's
	Extra            float64 // seconds that a process of the variant is longer in getting warm
	ExtraFound       float64 // the same of processes that found what an earlier one compiled; NaN if it keeps nothing, or there are none
	// Steps are the iterations after which the variant has paid for itself; 0 if it
	// has before the first one, and +Inf if it never does. The interval is that of
	// the speed.
	Steps Estimate
}

// Never says that the variant does not pay for itself as far as is known: it is
// no faster.
func (p Payback) Never() bool { return math.IsInf(p.Steps.Value, 1) }

// Paybacks are those of a workload's variants whose runner as it is was measured
// in the same rounds.
func Paybacks(r *record.Record, workload string) []Payback {
	var all []Payback
	w := r.Workload(workload)
	for i := range r.Cells {
		c := &r.Cells[i]
		if w == nil || c.Workload != workload || c.Throughput == nil {
			continue
		}
		if d := r.Cell(workload, DefaultOf(c.Runner)); d != nil && d != c && d.Throughput != nil {
			if p, ok := payback(c, d, w.Batch); ok {
				all = append(all, p)
			}
		}
	}
	return all
}

// DefaultOf is the runner of which a runner is a variant, on the same device; a
// runner that is none is its own.
func DefaultOf(runner string) string {
	name, device, _ := strings.Cut(runner, "@")
	if at := strings.LastIndexByte(name, '+'); at > 0 {
		name = name[:at]
	}
	if device != "" {
		name += "@" + device
	}
	return name
}

// payback is false if the two share no round.
func payback(variant, standard *record.Cell, batch int) (p Payback, ok bool) {
	ratios, _ := PairedRatios(variant, standard, batch)
	if len(ratios) == 0 {
		return p, false
	}
	found, nothing := compiledBefore(variant)
	p = Payback{Variant: variant, Default: standard, Speed: Paired(ratios), ExtraFound: math.NaN()}
	usual := medianOf(standard.MeasuredProcesses(), untilWarm)
	switch {
	case len(nothing) == 0:
		p.Extra = medianOf(found, untilWarm) - usual
	case len(found) == 0:
		p.Extra = medianOf(nothing, untilWarm) - usual
	default:
		p.Extra, p.ExtraFound = medianOf(nothing, untilWarm)-usual, medianOf(found, untilWarm)-usual
	}
	step := float64(batch) / standard.Throughput.Median // seconds
	steps := func(speed float64) float64 {
		switch gain := step * (1 - 1/speed); {
		case gain <= 0:
			return math.Inf(1)
		case p.Extra <= 0:
			return 0
		default:
			return math.Ceil(p.Extra / gain)
		}
	}
	p.Steps = Estimate{Value: steps(p.Speed.Value), Low: steps(p.Speed.High), High: steps(p.Speed.Low), Level: p.Speed.Level, N: p.Speed.N}
	return p, true
}

// untilWarm is what a process needs beside its steady iterations: its start, and
// what the iterations of the warm-up took longer than steady ones.
func untilWarm(p *record.Process) float64 {
	n := len(p.WarmupNS)
	if n == 0 {
		return untilMeasured(p)
	}
	steady := make([]float64, 0, n)
	for _, ns := range p.WarmupNS[n/2:] {
		steady = append(steady, float64(ns)/1e9)
	}
	return untilMeasured(p) - float64(n)*stats.Median(steady)
}
