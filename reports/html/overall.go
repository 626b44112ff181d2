package html

import (
	"github.com/dlbench/dlbench/reports/ranking"
)

// overallTable is what each mode comes to, worded as in every report; nil if no
// mode has several workloads.
func overallTable(v *view) *grid {
	sheet := ranking.Overall(v.Record.Overall)
	if len(sheet.Rows) == 0 {
		return nil
	}
	g := newGrid(v.Prefix+"overall-table", sheet.Title, "mode", "runner", "against", "#geometric mean", sheet.Header[4], "#workloads", "verdict")
	for i, o := range v.Record.Overall {
		line, mark := sheet.Rows[i], v.marks.of(o.A)
		g.add(mark, text(line[0]), cell{Text: line[1], Mark: markClass(mark)}, text(line[2]), cell{Text: line[3], Value: &o.Ratio}, text(line[4]), count(o.Workloads), text(line[6]))
	}
	return g
}
