package ranking

import (
	"fmt"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// Overall is what each mode comes to, as a record has it; no rows if there is
// nothing to say.
func Overall(rows []record.Overall) Sheet {
	s := Sheet{Title: "over the workloads of each mode, against the runner that is fastest there",
		Header: []string{"mode", "runner", "against", "geometric mean", fmt.Sprintf("%.0f %% interval", 100*summary.Level), "workloads", "verdict"}}
	for _, o := range rows {
		interval := ""
		if o.Level > 0 {
			interval = RatioSpan(o.CILow, o.CIHigh)
		}
		s.Rows = append(s.Rows, []string{o.Mode, o.A, o.B, Times(o.Ratio), interval, fmt.Sprint(o.Workloads), o.Verdict})
	}
	return s
}
