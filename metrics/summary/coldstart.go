package summary

import (
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/stats"
)

// Phase is a part of the cold start.
type Phase struct {
	Name    string
	Seconds float64
}

// Phases are the parts of a cold start in the order of time. The engine's start
// contains the import, so the rest of it is a phase of its own.
func Phases(s *record.Startup) []Phase {
	return []Phase{{"container and process", max(0, s.StartSeconds-s.ImportSeconds)}, {"import", s.ImportSeconds},
		{"load", s.LoadSeconds}, {"first iteration", s.FirstIterationSeconds}}
}

// startups are those of a cell's processes, and of a runner that keeps what it
// compiles those of the ones that found nothing: the two are different events, of
// which one comes once. A figure without processes is nil.
func startups(c *record.Cell) (usual, compiling *record.Startup) {
	found, nothing := compiledBefore(c)
	if len(found) == 0 {
		found = c.MeasuredProcesses()
	}
	return startup(found), startup(nothing)
}

// compiledBefore are the processes that found what an earlier one had compiled,
// or keep nothing, and those that found nothing.
func compiledBefore(c *record.Cell) (found, nothing []*record.Process) {
	for _, p := range c.MeasuredProcesses() {
		if p.CompileCache == record.NothingCompiled {
			nothing = append(nothing, p)
		} else {
			found = append(found, p)
		}
	}
	return found, nothing
}

// startup is nil of no process.
func startup(processes []*record.Process) *record.Startup {
	if len(processes) == 0 {
		return nil
	}
	median := func(of func(*record.Process) float64) float64 { return medianOf(processes, of) }
	return &record.Startup{
		StartSeconds:          median(func(p *record.Process) float64 { return p.StartSeconds }),
		ImportSeconds:         median(func(p *record.Process) float64 { return p.ImportSeconds }),
		LoadSeconds:           median(func(p *record.Process) float64 { return p.LoadSeconds }),
		FirstIterationSeconds: median(func(p *record.Process) float64 { return p.FirstIterationSeconds }),
	}
}

func medianOf(processes []*record.Process, of func(*record.Process) float64) float64 {
	values := make([]float64, len(processes))
	for i, p := range processes {
		values[i] = of(p)
	}
	return stats.Median(values)
}
