package sample

import (
	"maps"
	"slices"

	"github.com/dlbench/dlbench/metrics/record"
)

// Recording is what a sampler saw.
type Recording struct {
	Series          []record.Series
	MemoryPeakBytes *int64
	Missing         map[string]string // channel, or "sampler" → why there is none of it, or not to the end
}

// MemoryPeak is the name of the channel that becomes a process's
// MemoryPeakBytes.
const MemoryPeak = "memory_peak_bytes"

// AddTo adds what was seen to a process. The means of its blocks are made from
// the series when the record is summarized.
func (r Recording) AddTo(p *record.Process) {
	p.Series = append(p.Series, r.Series...)
	if r.MemoryPeakBytes != nil {
		p.MemoryPeakBytes = r.MemoryPeakBytes
	}
	if p.Missing == nil && len(r.Missing) > 0 {
		p.Missing = map[string]string{}
	}
	maps.Copy(p.Missing, r.Missing)
}

func (s *Sampler) recording() Recording {
	r := Recording{Missing: map[string]string{}}
	for _, tracks := range s.tracks {
		for i := range tracks {
			t := &tracks[i]
			if t.reason != nil {
				r.Missing[t.Name] = t.reason.Error()
			}
			if t.peak != nil && t.Name == MemoryPeak {
				bytes := int64(*t.peak)
				r.MemoryPeakBytes = &bytes
			}
			if series, ok := t.series(); ok {
				r.Series = append(r.Series, series)
			}
		}
	}
	if s.trouble != nil {
		r.Missing["sampler"] = s.trouble.Error()
	}
	r.estimatePeak()
	return r
}

// estimatePeak lets the largest memory that was seen stand in for a peak that
// the kernel does not keep, and says so.
func (r *Recording) estimatePeak() {
	if r.MemoryPeakBytes != nil {
		return
	}
	for _, s := range r.Series {
		if s.Name == record.SeriesMemory {
			largest := int64(slices.Max(s.Values))
			r.MemoryPeakBytes = &largest
			r.Missing[MemoryPeak] += ": the largest sample stands in"
		}
	}
}

// series is false for a channel that no reading came from.
func (t *track) series() (record.Series, bool) {
	s := record.Series{Name: t.Name, Unit: t.Unit}
	if t.Kind == Rate {
		s.TimeNS, s.Values = t.rates()
	} else {
		for i, v := range t.values {
			s.TimeNS = append(s.TimeNS, t.timeNS[i])
			s.Values = append(s.Values, v*t.Scale)
		}
	}
	return s, len(s.Values) > 0
}

// rates turns a counter's readings into what it grew by between them. The
// first time carries the first rate: it says since when that rate holds. A
// counter that fell was set back, and nothing is known of the time in which
// that happened.
func (t *track) rates() (timeNS []int64, values []float64) {
	edges := t.edges()
	for i := 1; i < len(edges); i++ {
		from, to := edges[i-1], edges[i]
		growth := t.values[to] - t.values[from]
		if growth < 0 {
			continue
		}
		rate := growth / float64(t.timeNS[to]-t.timeNS[from]) * t.Scale
		if len(values) == 0 {
			timeNS, values = append(timeNS, t.timeNS[from]), append(values, rate)
		}
		timeNS, values = append(timeNS, t.timeNS[to]), append(values, rate)
	}
	return timeNS, values
}

// edges are the readings between which rates are made: the first, the last, and
// between them those that lie Least apart. What is left before the last, too
// short for a rate of its own, belongs to the one before.
func (t *track) edges() []int {
	var edges []int
	least := t.Least.Nanoseconds()
	for i, now := range t.timeNS {
		if len(edges) == 0 || now-t.timeNS[edges[len(edges)-1]] >= least {
			edges = append(edges, i)
		}
	}
	switch end := len(t.timeNS) - 1; {
	case len(edges) == 0 || edges[len(edges)-1] == end:
	case len(edges) == 1:
		edges = append(edges, end)
	default:
		edges[len(edges)-1] = end
	}
	return edges
}
