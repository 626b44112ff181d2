package parity_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/launch"
	"github.com/dlbench/dlbench/runners/parity"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/plan"
)

// What docs/parity.md promises: honest runners stay twice inside every
// tolerance, known mistakes miss one by ten times.
const (
	honestShare = 0.5
	missFactor  = 10
)

// TestMutants breaks a runner in every way that published comparisons were
// broken. `go test ./runners/parity -run TestMutants -v` prints the table that
// docs/parity.md shows.
func TestMutants(t *testing.T) {
	for _, precision := range plan.Precisions() {
		// tf32 has fp16's roundoff, and so its tolerances; int8 has mistakes of its own.
		if precision == "tf32" || precision == plan.INT8 || testing.Short() && precision != plan.FP32 {
			continue
		}
		t.Run(precision, func(t *testing.T) {
			l := newLab(t, 1)
			cache := t.TempDir()
			all := mutants(t, l, scriptOf(""))
			some := casesOf(t, false)
			judge := func(name string) map[string]float64 {
				v := l.verifier(cache)
				v.Cases = some
				return judged(t, l, v, name, precision, probePlan)
			}
			t.Log(table(judgeAll(t, all, precision, judge), expected(precision)))
		})
	}
}

// judgeAll judges all of them beside one another and holds each against the promise.
func judgeAll(t *testing.T, all []mutant, precision string, judge func(name string) map[string]float64) []row {
	t.Helper()
	rows := make([]row, len(all))
	// The first one makes the reference compute; the others find its answers.
	rows[0] = row{mutant: all[0], factors: judge(all[0].name)}
	t.Run("all", func(t *testing.T) {
		for i, each := range all {
			t.Run(each.name, func(t *testing.T) {
				t.Parallel()
				if i > 0 {
					rows[i] = row{mutant: each, factors: judge(each.name)}
				}
				rows[i].check(t, precision)
			})
		}
	})
	return rows
}

// hidden are the mistakes that so few bits do not show: a variance over 45
// values that is a 45th too small, and inputs that are rounded less than the
// plan allows. Float32 shows them, in the same adapter. And in float32 there is
// nothing wrong with computing in it.
var hidden = map[string][]string{
	"fp32": {"plain-float32"},
	"bf16": {"biased-variance", "unbiased-variance", "tf32"},
	"fp16": {"tf32"},
}

// expected is by how much a mistake has to miss: in fewer bits than float32's it
// has to fail. Whole numbers are exact.
func expected(precision string) float64 {
	if precision == plan.FP32 || precision == plan.INT8 {
		return missFactor
	}
	return 1
}

// check holds a runner against the promise.
func (r row) check(t *testing.T, precision string) {
	if slices.Contains(hidden[precision], r.name) {
		return
	}
	name, factor := r.furthest()
	if r.honest && factor > honestShare {
		t.Errorf("%s is at %.2g of its tolerance, expected at most %g", name, factor, honestShare)
	}
	if !r.honest && factor <= expected(precision) {
		t.Errorf("%s: the furthest is %s at %.2g times its tolerance, expected more than %g", r.text, name, factor, expected(precision))
	}
}

// mutant is a runner of testdata/mutant.py.
type mutant struct {
	name, text string
	honest     bool
}

func mutants(t *testing.T, l *lab, script string) []mutant {
	t.Helper()
	command := exec.Command(l.launcher.Python, script)
	command.Env = append(command.Environ(), "PYTHONPATH="+l.launcher.Adapters, "PYTHONDONTWRITEBYTECODE=1")
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("list the mutants: %v\n%s", err, out)
	}
	var all []mutant
	for _, line := range strings.Split(strings.TrimSpace(string(out)), "\n") {
		name, text, _ := strings.Cut(line, "\t")
		text, honest := strings.CutPrefix(text, "honest: ")
		all = append(all, mutant{name, text, honest})
	}
	return all
}

// judged verifies a runner in both modes and lets it run like a timed process;
// of each check it returns the deviation as a multiple of the tolerance.
func judged(t *testing.T, l *lab, v *parity.Verifier, name, precision string, of func(*testing.T, plan.Mode, int) *plan.Plan) map[string]float64 {
	t.Helper()
	ctx := context.Background()
	candidate := l.candidate(name)
	candidate.Key = name // the operator cases run once for both modes
	factors := map[string]float64{}
	process, err := l.start(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := process.Close(ctx); err != nil {
			t.Error(err)
		}
	}()
	for _, mode := range modesIn(precision) {
		actual, deep := of(t, mode, 5), of(t, mode, 4)
		if precision == plan.INT8 {
			actual, deep = whole(t, actual, actual), whole(t, deep, actual)
		}
		actual, deep = actual.In(precision), deep.In(precision)
		verdict, err := v.VerifyPlans(ctx, candidate, actual, deep)
		if err != nil {
			t.Fatal(err)
		}
		checks := verdict.Parity.Checks
		if len(checks) == 0 {
			t.Fatalf("no checks: %s: %s", verdict.Parity.Status, verdict.Parity.Reason)
		}
		for _, c := range verdict.Cases { // those that do not bear on the network, too
			if c.Unsupported == "" && strings.HasPrefix(name, medical) {
				checks = append(checks, c.Check)
			}
		}
		checks = append(slices.Clone(checks), timed(t, process, v, actual, verdict))
		for _, c := range checks {
			key := fmt.Sprintf("%s: %s", c.Layer, c.Name)
			if c.Layer == parity.Operators {
				key = "operators"
			}
			factors[key] = max(factors[key], c.Value/c.Tolerance)
		}
	}
	return factors
}

// timed does what a timed process does, and checks what came out.
func timed(t *testing.T, r *launch.Runner, v *parity.Verifier, p *plan.Plan, verdict *parity.Verdict) (check record.Check) {
	t.Helper()
	ctx := context.Background()
	files, err := v.Materialize(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	_, loading := r.Load(ctx, files)
	warm, warming := r.Warmup(ctx, protocol.WarmupParams{Iterations: 3})
	if err := errors.Join(loading, warming); err != nil {
		t.Fatal(err)
	}
	if p.Mode == plan.Train {
		check = verdict.CheckLosses(warm.Losses)
	} else {
		// The warm-up took slots 0, 1, 0; the fourth iteration takes slot 1.
		_, output, err := r.Measure(ctx, protocol.MeasureParams{Scenario: protocol.Offline, Iterations: 1, FirstSlot: 1}, true)
		if err != nil {
			t.Fatal(err)
		}
		if check, err = verdict.CheckInfer(output, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Unload(ctx); err != nil {
		t.Fatal(err)
	}
	return check
}

// row is what parity says of one runner.
type row struct {
	mutant
	factors map[string]float64
}

func (r row) furthest() (name string, factor float64) {
	for _, key := range sortedKeys(r.factors) {
		if f := r.factors[key]; name == "" || f > factor {
			name, factor = key, f
		}
	}
	return name, factor
}

func sortedKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// table is Markdown: honest runners by the share of each tolerance that they
// use, mutants by the checks that they miss ten times and more.
func table(rows []row, missed float64) string {
	var b strings.Builder
	b.WriteString("\n| Check | Honest runners use of the tolerance, at most |\n|---|---|\n")
	worst := map[string]float64{}
	for _, r := range rows {
		for key, f := range r.factors {
			if r.honest {
				worst[key] = max(worst[key], f)
			}
		}
	}
	for _, key := range sortedKeys(worst) {
		fmt.Fprintf(&b, "| %s | %.2g |\n", key, worst[key])
	}
	fmt.Fprintf(&b, "\n| Mistake | Checks missed by %g times and more, with the factor |\n|---|---|\n", missed)
	for _, r := range rows {
		if r.honest {
			continue
		}
		var names []string
		for _, key := range sortedKeys(r.factors) {
			if f := r.factors[key]; f >= missed {
				names = append(names, fmt.Sprintf("%s %s", key, short(f)))
			}
		}
		fmt.Fprintf(&b, "| %s | %s |\n", r.text, strings.Join(names, ", "))
	}
	return b.String()
}

// short writes a factor; checks of counts and of what cannot be compared have
// no size.
func short(factor float64) string {
	if factor > 1e8 {
		return "outright"
	}
	return fmt.Sprintf("%.2g", factor)
}
