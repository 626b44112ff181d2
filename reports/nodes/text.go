package nodes

import (
	"fmt"
	"io"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports/ranking"
)

// mostRows is how many nodes the terminal shows one by one if nothing is special
// about them.
const mostRows = 20

// Text prints the nodes for the terminal: the answer first.
func (f *Fleet) Text(w io.Writer, width int) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", f.Headline)
	if f.Spread == record.ByNodes {
		fmt.Fprintf(&b, "method  %s\n", f.method())
	}
	for _, k := range f.Kinds {
		fmt.Fprintf(&b, "kind    %s\n", k.words())
	}
	for _, note := range f.Notes {
		fmt.Fprintf(&b, "note    %s\n", note)
	}
	var sheets []ranking.Sheet
	for _, one := range f.Workloads {
		sheets = append(sheets, one.sheet())
	}
	shown := f.shown()
	sheets = append(sheets, ranking.Overall(f.Overall), f.missingSheet(), f.sheet(shown), f.cellSheet(), f.warningSheet())
	for _, s := range sheets {
		if len(s.Rows) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n%s\n", s.Title)
		if err := s.Table().Write(&b, width); err != nil {
			return err
		}
		if left := len(f.Nodes) - len(shown); s.Title == "Nodes" && left > 0 {
			fmt.Fprintf(&b, "and %d that are as the others; report.html, nodes.json and --json have all\n", left)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// shown are the nodes that the terminal shows: all of a few, else those that are
// not as the others.
func (f *Fleet) shown() []Node {
	if len(f.Nodes) <= mostRows {
		return f.Nodes
	}
	var shown []Node
	for _, n := range f.Nodes {
		if n.Verdict != summary.UsualNode && (f.Spread == record.ByNodes || len(n.Differs)+len(n.Warnings) > 0) {
			shown = append(shown, n)
		}
	}
	return shown
}
