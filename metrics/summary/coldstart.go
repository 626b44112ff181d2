package summary

import "github.com/dlbench/dlbench/metrics/record"

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
