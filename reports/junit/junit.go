// Package junit writes the XML that continuous-integration servers read as test
// results.
package junit

import (
	"encoding/xml"
	"io"
	"time"
)

// Suite is a testsuite; Write counts its cases.
type Suite struct {
	Name  string
	Time  time.Time
	Host  string
	Cases []Case
}

// Case is a testcase: passed, unless it failed or was skipped.
type Case struct {
	Class   string  `xml:"classname,attr"`
	Name    string  `xml:"name,attr"`
	Seconds string  `xml:"time,attr,omitempty"`
	Failure *Reason `xml:"failure"`
	Skipped *Reason `xml:"skipped"`
	Output  string  `xml:"system-out,omitempty"`
}

// Reason is why a case failed or was skipped.
type Reason struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
}

// suite is the element.
type suite struct {
	XMLName   xml.Name `xml:"testsuite"`
	Name      string   `xml:"name,attr"`
	Tests     int      `xml:"tests,attr"`
	Failures  int      `xml:"failures,attr"`
	Skipped   int      `xml:"skipped,attr"`
	Timestamp string   `xml:"timestamp,attr"`
	Hostname  string   `xml:"hostname,attr"`
	Cases     []Case   `xml:"testcase"`
}

// Write writes the document.
func (s Suite) Write(w io.Writer) error {
	out := suite{Name: s.Name, Tests: len(s.Cases), Timestamp: s.Time.UTC().Format("2006-01-02T15:04:05"), Hostname: s.Host, Cases: s.Cases}
	for _, c := range s.Cases {
		if c.Failure != nil {
			out.Failures++
		}
		if c.Skipped != nil {
			out.Skipped++
		}
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	encoder := xml.NewEncoder(w)
	encoder.Indent("", "  ")
	if err := encoder.Encode(out); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}
