package parity_test

import (
	"context"
	"flag"
	"fmt"
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
	seed        = flag.Uint64("seed", 1, "seed of the weights and images while calibrating")
)

// TestCalibration judges honest runners on whole networks, which takes minutes:
//
//	go test ./runners/parity -run TestCalibration -v -timeout 2h -calibrate resnet50/train/b8/fp32
//
// It prints the tables of docs/parity.md.
func TestCalibration(t *testing.T) {
	if *calibrated == "" {
		t.Skip("name the workloads with -calibrate")
	}
	l := newLab(t, *threads)
	v := l.verifier(t.TempDir())
	v.Progress = func(who, what string) { t.Log(who, what) }
	wrong := map[string]bool{}
	for _, m := range mutants(t, l, scriptOf("")) {
		wrong[m.name] = !m.honest
	}
	honest := map[string]share{}
	var missed strings.Builder
	for _, name := range strings.Split(*calibrated, ",") {
		id, err := plan.ParseID(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, runner := range strings.Split(*calibrators, ",") {
			c := l.candidate(runner)
			c.Key = runner // the operator cases run once
			verdict, err := v.Verify(context.Background(), c, id, *seed)
			if err != nil {
				t.Fatal(err)
			}
			if wrong[runner] {
				fmt.Fprintf(&missed, "| %s | %s | %s |\n", name, runner, miss(t, name, runner, verdict))
				continue
			}
			holdHonest(t, name, runner, verdict)
			for _, check := range verdict.Parity.Checks {
				widest(honest, name, runner, check)
			}
		}
	}
	t.Log(honestTable(honest))
	t.Log("\n| Workload | Mistake | Furthest check |\n|---|---|---|\n" + missed.String())
}

// share is the use that a runner makes of a tolerance.
type share struct {
	record.Check
	workload, runner string
}

func (s share) used() float64 { return s.Value / s.Tolerance }

// widest keeps the honest runner that is nearest to each tolerance.
func widest(all map[string]share, workload, runner string, check record.Check) {
	key := check.Layer + ": " + check.Name
	if s := (share{check, workload, runner}); all[key].runner == "" || s.used() > all[key].used() {
		all[key] = s
	}
}

func honestTable(all map[string]share) string {
	var b strings.Builder
	b.WriteString("\n| Check | Deviation | Tolerance | Share | Spread | Where |\n|---|---|---|---|---|---|\n")
	for _, key := range sortedKeys(all) {
		s := all[key]
		fmt.Fprintf(&b, "| %s | %.2g | %.2g | %.2g | %.2g | %s, %s, %s |\n", key, s.Value, s.Tolerance, s.used(), s.Spread, s.runner, s.workload, s.Tensor)
	}
	return b.String()
}

// miss is the check that a mutant misses most. A mistake that a network cannot
// show, like another epsilon where nothing is normalised, misses none.
func miss(t *testing.T, workload, runner string, verdict *parity.Verdict) string {
	t.Helper()
	var most record.Check
	factor := 0.0
	for _, check := range verdict.Parity.Checks {
		if f := check.Value / check.Tolerance; f > factor {
			factor, most = f, check
		}
	}
	switch {
	case len(verdict.Parity.Checks) == 0:
		return verdict.Parity.Status + ": " + verdict.Parity.Reason
	case factor <= honestShare:
		return "does not show in this network"
	case factor < missFactor:
		t.Errorf("%s with %s: the furthest is %s: %s at %.2g times its tolerance", workload, runner, most.Layer, most.Name, factor)
	}
	return fmt.Sprintf("%s: %s %s", most.Layer, most.Name, short(factor))
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
