// Package export writes a record in the formats of other programs: one file a
// format.
package export

import (
	"io"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports"
)

// Format writes a record for one kind of reader.
type Format struct {
	Name  string
	Write func(io.Writer, *record.Record) error
}

// Formats are all there are, sorted by name.
func Formats() []Format {
	return []Format{{"csv", CSV}, {"junit", JUnit}, {"markdown", reports.Markdown}, {"prometheus", Prometheus}, {"tidy", Tidy}}
}
