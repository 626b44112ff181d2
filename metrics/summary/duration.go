package summary

import (
	"time"

	"github.com/dlbench/dlbench/metrics/record"
)

// ProcessDuration is how long a process took, from the engine's start to the end
// of its last block: what a campaign spends on it.
func ProcessDuration(p *record.Process) time.Duration {
	seconds := untilMeasured(p)
	if n := len(p.Blocks); n > 0 {
		seconds += float64(p.Blocks[n-1].EndNS-p.Blocks[0].StartNS) / 1e9
	}
	return time.Duration(seconds * float64(time.Second))
}

// untilMeasured is how many seconds pass from the engine's start to the end of
// the warm-up.
func untilMeasured(p *record.Process) float64 {
	seconds := p.StartSeconds + p.LoadSeconds
	for _, ns := range p.WarmupNS {
		seconds += float64(ns) / 1e9
	}
	return seconds
}
