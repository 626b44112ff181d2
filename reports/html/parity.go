package html

import (
	"fmt"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// parityTable is a line a runner: the verdict, and the check that came nearest
// to its tolerance or went furthest beyond it.
func parityTable(w *workloadView) *grid {
	g := newGrid(w.Anchor+"-parity-table", "Parity on "+w.ID, "runner", "verdict", "#checks", "#beyond", "worst check", "#deviation",
		"#tolerance", "#of it %", "#reference's spread", "worst tensor", "reason")
	for _, c := range w.Cells {
		p := c.Cell.Parity
		worst, beyond := summary.Worst(p.Checks)
		line := []cell{c.named(), {Text: p.Status, Soft: cached(p), Class: "verdict " + p.Status}, count(len(p.Checks)), count(beyond)}
		if worst == nil {
			line = append(line, text(absent), text(absent), text(absent), text(absent), text(absent), text(absent))
		} else {
			line = append(line, text(worst.Layer+" "+worst.Name), number("%.2g", worst.Value), number("%.2g", worst.Tolerance),
				share(*worst), spread(*worst), text(worst.Tensor))
		}
		g.add(c.Mark, append(line, cell{Text: p.Reason, Class: "long"})...)
	}
	return g.withoutEmpty()
}

func cached(p record.Parity) string {
	if p.Cached {
		return "from the cache"
	}
	return ""
}

func share(c record.Check) cell {
	used, ok := c.Used()
	if !ok {
		return text(absent)
	}
	return figure(100*used, 0)
}

func spread(c record.Check) cell {
	if c.Spread == 0 {
		return text(absent)
	}
	return number("%.2g", c.Spread)
}

// checksTable is every check of every runner of a workload; nil of none.
func checksTable(w *workloadView) *grid {
	g := newGrid(w.Anchor+"-checks-table", "Every check of "+w.ID, "runner", "layer", "check", "verdict", "#deviation", "#tolerance", "#of it %", "#reference's spread", "worst tensor")
	for _, c := range w.Cells {
		for _, k := range c.Cell.Parity.Checks {
			g.add(c.Mark, text(c.Cell.Runner), text(k.Layer), text(k.Name), text(map[bool]string{true: "within", false: "beyond"}[k.Passed]),
				number("%.2g", k.Value), number("%.2g", k.Tolerance), share(k), spread(k), text(k.Tensor))
		}
	}
	if len(g.Rows) == 0 {
		return nil
	}
	g.Caption += fmt.Sprintf(" (%d)", len(g.Rows))
	return g
}
