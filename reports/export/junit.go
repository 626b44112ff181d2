package export

import (
	"encoding/xml"
	"fmt"
	"io"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
)

// The elements of JUnit's XML that continuous-integration servers read.
type (
	suiteXML struct {
		XMLName   xml.Name  `xml:"testsuite"`
		Name      string    `xml:"name,attr"`
		Tests     int       `xml:"tests,attr"`
		Failures  int       `xml:"failures,attr"`
		Skipped   int       `xml:"skipped,attr"`
		Timestamp string    `xml:"timestamp,attr"`
		Hostname  string    `xml:"hostname,attr"`
		Cases     []caseXML `xml:"testcase"`
	}
	caseXML struct {
		Class   string     `xml:"classname,attr"`
		Name    string     `xml:"name,attr"`
		Seconds string     `xml:"time,attr"` // of its timed blocks
		Failure *reasonXML `xml:"failure"`
		Skipped *reasonXML `xml:"skipped"`
		Output  string     `xml:"system-out,omitempty"`
	}
	reasonXML struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr,omitempty"`
	}
)

// JUnit writes a test case a cell: a failure where the runner failed or parity
// did not pass, skipped with the reason where it is unsupported, was not
// measured, or was not asked to be verified.
func JUnit(w io.Writer, rec *record.Record) error {
	suite := suiteXML{Name: "dlbench " + rec.Suite, Tests: len(rec.Cells), Timestamp: rec.Created.UTC().Format("2006-01-02T15:04:05"), Hostname: rec.Environment.Host}
	for i := range rec.Cells {
		c := caseOf(&rec.Cells[i])
		if c.Failure != nil {
			suite.Failures++
		}
		if c.Skipped != nil {
			suite.Skipped++
		}
		suite.Cases = append(suite.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	out := xml.NewEncoder(w)
	out.Indent("", "  ")
	if err := out.Encode(suite); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func caseOf(c *record.Cell) caseXML {
	out := caseXML{Class: c.Workload, Name: c.Runner, Seconds: fmt.Sprintf("%.3f", timed(c).Seconds())}
	if t := c.Throughput; t != nil {
		out.Output = fmt.Sprintf("%g images/s (%g to %g), %d processes", t.Median, t.CILow, t.CIHigh, t.N)
	}
	reason := &reasonXML{Message: c.Reason, Type: c.Status}
	switch {
	case c.Status == record.Failed, c.Parity.Status == record.ParityFailed, c.Parity.Status == record.ParityError:
		out.Failure = reason
	case c.Status != record.Measured:
		out.Skipped = reason
	}
	return out
}

func timed(c *record.Cell) time.Duration {
	var total time.Duration
	for _, p := range c.MeasuredProcesses() {
		for _, b := range p.Blocks {
			total += time.Duration(b.EndNS - b.StartNS)
		}
	}
	return total
}
