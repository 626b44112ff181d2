package html

import (
	"fmt"
	"strconv"

	"github.com/dlbench/dlbench/reports/ranking"
)

// scenarioTables are what there is beside throughput and single streams: a table a
// scenario, and one of variants.
func scenarioTables(w *workloadView) []*grid {
	var tables []*grid
	for i, sheet := range ranking.Sheets(w.rec, w.ID) {
		g := newGrid(fmt.Sprintf("%s-scenario-%d-table", w.Anchor, i), sheet.Title, numericHeads(sheet)...)
		for _, line := range sheet.Rows {
			c := w.cellOf(line[0])
			row := []cell{c.named()}
			for _, word := range line[1:] {
				row = append(row, worded(word))
			}
			row[0].Mentions = w.mentions(c.Cell, aboutLatency)
			g.add(c.Mark, row...)
		}
		tables = append(tables, g)
	}
	return tables
}

// numericHeads marks the columns of a sheet that hold numbers.
func numericHeads(s ranking.Sheet) []string {
	heads := append([]string(nil), s.Header...)
	for i := range heads {
		for _, line := range s.Rows {
			if worded(line[i]).Value != nil {
				heads[i] = "#" + s.Header[i]
			}
		}
	}
	return heads
}

// worded is a text, with its number if it is one.
func worded(word string) cell {
	if v, err := strconv.ParseFloat(word, 64); err == nil {
		return cell{Text: word, Value: &v}
	}
	return text(word)
}

func (w *workloadView) cellOf(runner string) cellView {
	for _, c := range w.Cells {
		if c.Cell.Runner == runner {
			return c
		}
	}
	panic(fmt.Sprintf("html: workload %q has no cell of runner %q", w.ID, runner)) // the sheet was made of these cells
}
