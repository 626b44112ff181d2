package html

import (
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/ranking"
)

// verdictSigns stand beside a ratio, so that nobody has to see its colour.
var verdictSigns = map[string]string{record.Faster: "▲", record.Slower: "▼", record.Indistinguishable: "≈", record.TooFew: "?"}

// ratioMatrix holds every two ranked runners of a workload against each other:
// the row's throughput over the column's. Nil when fewer than two are ranked.
func ratioMatrix(w *workloadView) *grid {
	var ranked []cellView
	for _, c := range w.Cells {
		if c.Ranked() {
			ranked = append(ranked, c)
		}
	}
	if len(ranked) < 2 {
		return nil
	}
	g := newGrid(w.Anchor+"-ratios-table", "Throughput of the row's runner over the column's on "+w.ID, "runner")
	for _, c := range ranked {
		g.Columns = append(g.Columns, column{Name: c.Cell.Runner, Numeric: true, Runner: c.Mark})
	}
	g.Columns = append(g.Columns, column{Name: "warnings", Runner: -1})
	for _, a := range ranked {
		line := []cell{a.named()}
		for _, b := range ranked {
			line = append(line, ratioCell(w.rec, a.Cell, b.Cell))
		}
		g.add(a.Mark, append(line, cell{Mentions: w.mentions(a.Cell, aboutThroughput)})...)
	}
	return g.withoutEmpty()
}

func ratioCell(rec *record.Record, a, b *record.Cell) cell {
	if a == b {
		return cell{Text: "·", Class: "self"}
	}
	c, ok := rec.Comparison(a.Workload, a.Runner, b.Runner)
	if !ok {
		return cell{Text: absent}
	}
	out := cell{Text: ranking.Ratio(c.Ratio) + " " + verdictSigns[c.Verdict], Value: &c.Ratio}
	out.Class = map[string]string{record.Faster: "faster", record.Slower: "slower"}[c.Verdict]
	out.Soft = ranking.RatioSpan(c.CILow, c.CIHigh)
	return out
}
