package parity_test

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/parity"
	"github.com/dlbench/dlbench/workloads/plan"
)

var (
	calibrated  = flag.String("calibrate", "", "workloads to calibrate the tolerances on, with commas; none is the default")
	calibrators = flag.String("runners", "float32,pytorch,tensorflow", "honest runners, and mutants, to calibrate with")
	threads     = flag.Int("threads", 2, "threads of every runner while calibrating")
)

// TestCalibration judges honest runners on whole networks, which takes minutes:
//
//	go test ./runners/parity -run TestCalibration -v -timeout 2h -calibrate resnet50/train/b8/fp32
//
// It prints the table of docs/parity.md.
func TestCalibration(t *testing.T) {
	if *calibrated == "" {
		t.Skip("name the workloads with -calibrate")
	}
	l := newLab(t, *threads)
	v := l.verifier(t.TempDir())
	v.Progress = func(who, what string) { t.Log(who, what) }
	var b strings.Builder
	b.WriteString("\n| Workload | Runner | Check | Worst tensor | Deviation | Tolerance | Share | Spread |\n|---|---|---|---|---|---|---|---|\n")
	for _, name := range strings.Split(*calibrated, ",") {
		id, err := plan.ParseID(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, runner := range strings.Split(*calibrators, ",") {
			c := l.candidate(runner)
			c.Key = runner // the operator cases run once
			verdict, err := v.Verify(context.Background(), c, id, 1)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(mutants(t, l), func(m mutant) bool { return m.name == runner && !m.honest }) {
				holdHonest(t, name, runner, verdict)
			}
			for _, check := range verdict.Parity.Checks {
				fmt.Fprintf(&b, "| %s | %s | %s: %s | %s | %.2g | %.2g | %.2g | %.2g |\n", name, runner, check.Layer, check.Name, check.Tensor,
					check.Value, check.Tolerance, check.Value/check.Tolerance, check.Spread)
			}
		}
	}
	t.Log(b.String())
}

func holdHonest(t *testing.T, workload, runner string, verdict *parity.Verdict) {
	t.Helper()
	if verdict.Parity.Status != record.ParityPassed {
		t.Errorf("%s on %s: %s: %s", workload, runner, verdict.Parity.Status, verdict.Parity.Reason)
	}
	for _, check := range verdict.Parity.Checks {
		if share := check.Value / check.Tolerance; share > honestShare {
			t.Errorf("%s on %s: %s: %s uses %.2g of its tolerance", workload, runner, check.Layer, check.Name, share)
		}
	}
	for _, c := range verdict.Cases {
		if c.Unsupported != "" {
			t.Logf("%s: case %s is unsupported: %s", runner, c.Name, c.Unsupported)
		} else if share := c.Check.Value / c.Check.Tolerance; share > honestShare {
			t.Errorf("%s: case %s uses %.2g of its tolerance (%s)", runner, c.Name, share, c.Check.Tensor)
		}
	}
}
