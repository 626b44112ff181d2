package export

import (
	"fmt"
	"io"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/junit"
)

// JUnit writes a test case a cell: a failure if the runner failed or parity
// did not pass, skipped with the reason if it is unsupported, was not
// measured, or was not asked to be verified.
func JUnit(w io.Writer, rec *record.Record) error {
	suite := junit.Suite{Name: "dlbench " + rec.Suite, Time: rec.Created, Host: rec.Environment.Host}
	for i := range rec.Cells {
		suite.Cases = append(suite.Cases, caseOf(&rec.Cells[i]))
	}
	return suite.Write(w)
}

func caseOf(c *record.Cell) junit.Case {
	out := junit.Case{Class: c.Workload, Name: c.Runner, Seconds: fmt.Sprintf("%.3f", summary.Timed(c))}
	if t := c.Throughput; t != nil {
		out.Output = fmt.Sprintf("%g images/s (%g to %g), %d processes", t.Median, t.CILow, t.CIHigh, t.N)
	}
	reason := &junit.Reason{Message: c.Reason, Type: c.Status}
	switch {
	case c.Status == record.Failed, c.Parity.Status == record.ParityFailed, c.Parity.Status == record.ParityError:
		out.Failure = reason
	case c.Status != record.Measured:
		out.Skipped = reason
	}
	return out
}
