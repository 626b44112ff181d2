package summary

import "github.com/dlbench/dlbench/metrics/record"

// Standing is how far the cells of a record came.
type Standing struct {
	Cells, Passed, Ranked, Measured int // passed parity; ranked; have a throughput
	Converged                       int // whose interval is as narrow as the profile asks
	LeastProcesses, MostProcesses   int // of the measured cells
}

// StandingOf counts a record's cells.
func StandingOf(r *record.Record) Standing {
	s := Standing{Cells: len(r.Cells)}
	for i := range r.Cells {
		c := &r.Cells[i]
		if c.Ranked() {
			s.Ranked++
		}
		if c.Parity.Status == record.ParityPassed {
			s.Passed++
		}
		t := c.Throughput
		if t == nil {
			continue
		}
		if s.Measured == 0 {
			s.LeastProcesses = t.N
		}
		s.Measured++
		s.LeastProcesses, s.MostProcesses = min(s.LeastProcesses, t.N), max(s.MostProcesses, t.N)
		if t.Converged {
			s.Converged++
		}
	}
	return s
}
