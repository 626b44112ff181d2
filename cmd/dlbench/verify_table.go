package main

import (
	"fmt"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/table"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/conformance"
)

// protocolTable has every behaviour of every runner.
func protocolTable(rows []conformance.Spoken) *table.Table {
	t := table.New("runner", "behaviour", "verdict")
	for _, row := range rows {
		for _, f := range row.Findings {
			verdict := "as it should be"
			if f.Fault != "" {
				verdict = "FAULT: " + f.Fault
			}
			t.Add(row.Runner, f.Behaviour, verdict)
		}
	}
	return t
}

// verifyTable has the verdict about every cell, with all of its checks or with
// the closest of each layer.
func verifyTable(rows []bench.Verified, all bool) *table.Table {
	t := table.New("workload", "runner", "parity", "layer", "check", "deviation", "tolerance", "tensor")
	for _, row := range rows {
		checks := row.Parity.Checks
		if !all {
			checks = closest(checks)
		}
		if len(checks) == 0 {
			t.Add(row.Workload, row.Runner, row.Parity.Status, "", "", "", "", row.Parity.Reason)
		}
		for _, check := range checks {
			t.Add(row.Workload, row.Runner, row.Parity.Status, check.Layer, check.Name,
				fmt.Sprintf("%.2g", check.Value), fmt.Sprintf("%.2g", check.Tolerance), check.Tensor)
		}
	}
	return t
}

// closest keeps of each layer the check that is nearest to its tolerance.
func closest(checks []record.Check) []record.Check {
	var out []record.Check
	at := map[string]int{}
	for _, c := range checks {
		i, seen := at[c.Layer]
		switch {
		case !seen:
			at[c.Layer] = len(out)
			out = append(out, c)
		case c.WorseThan(out[i]):
			out[i] = c
		}
	}
	return out
}
