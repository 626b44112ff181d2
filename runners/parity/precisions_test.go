package parity_test

import (
	"context"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/parity"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/plan"
)

// verifyIn judges a scripted runner on the tiny network in a precision.
func verifyIn(t *testing.T, precision string, mode plan.Mode, p part) (*parity.Verdict, *stage) {
	t.Helper()
	s := newStage(t)
	v := s.verifier(part{})
	actual, deep := tiny(t, mode, 4).In(precision), tiny(t, mode, 2).In(precision)
	verdict, err := v.VerifyPlans(context.Background(), s.candidate(p), actual, deep)
	if err != nil {
		t.Fatal(err)
	}
	return verdict, s
}

// A runner is not asked for what it does not say it has; its own reason is told.
func TestAPrecisionThatARunnerLacksIsUnsupported(t *testing.T) {
	for _, c := range []struct {
		can  protocol.Capabilities
		says string
	}{
		{protocol.Capabilities{}, "precision bf16: the runner has fp32 on this device"},
		{protocol.Capabilities{Precisions: []string{"fp32", "tf32"}}, "precision bf16: the runner has fp32, tf32 on this device"},
		{protocol.Capabilities{Precisions: []string{"fp32"}, NoPrecision: map[string]string{"bf16": "this CPU has none"}}, "precision bf16: this CPU has none"},
	} {
		verdict, s := verifyIn(t, "bf16", plan.Infer, part{hello: protocol.HelloResult{Capabilities: c.can}})
		if verdict.Parity.Status != record.ParityUnsupported || verdict.Parity.Reason != c.says {
			t.Errorf("%s: %q, want %q", verdict.Parity.Status, verdict.Parity.Reason, c.says)
		}
		if s.asked["candidate"] != 0 {
			t.Errorf("it was asked %d times all the same", s.asked["candidate"])
		}
	}
}

func has(precisions ...string) protocol.HelloResult {
	return protocol.HelloResult{Capabilities: protocol.Capabilities{Precisions: precisions}}
}

// What rounds as coarsely as the precision says passes, and what is off by more
// does not; the same deviation fails in float32.
func TestTolerancesFollowThePrecision(t *testing.T) {
	for _, c := range []struct {
		precision string
		off       float64
		passes    bool
	}{{"bf16", 4e-3, true}, {"bf16", 0.2, false}, {"tf32", 5e-4, true}, {"tf32", 1e-2, false}, {"fp16", 5e-4, true}, {"fp16", 1e-2, false}, {"fp32", 1e-3, false}} {
		p := in("output.logits", scaled(1+c.off))
		p.hello = has(plan.Precisions()...)
		verdict, _ := verifyIn(t, c.precision, plan.Infer, p)
		if passed := verdict.Parity.Status == record.ParityPassed; passed != c.passes {
			t.Errorf("%s off by %g: %s: %s", c.precision, c.off, verdict.Parity.Status, verdict.Parity.Reason)
		}
		for _, check := range verdict.Parity.Checks {
			if check.Name == "outputs" && check.Passed != c.passes && c.precision != plan.FP32 {
				t.Errorf("%s off by %g: %+v", c.precision, c.off, check)
			}
		}
	}
}

// The step is judged in float32 whatever computed the gradients: parameters that
// were kept in fewer bits fail.
func TestTheUpdateStaysExact(t *testing.T) {
	rounded, narrow := in("output.logits", scaled(1+1.0/(1<<9))), in("param.1/conv.weight", scaled(1+1.0/(1<<9)))
	p := part{hello: has("fp32", "bf16"), alter: func(p *plan.Plan, all values) { rounded.alter(p, all); narrow.alter(p, all) }}
	verdict, _ := verifyIn(t, "bf16", plan.Train, p)
	if verdict.Parity.Status != record.ParityFailed || !strings.Contains(verdict.Parity.Reason, "update") {
		t.Errorf("%s: %s", verdict.Parity.Status, verdict.Parity.Reason)
	}
	p.alter = rounded.alter
	if verdict, _ := verifyIn(t, "bf16", plan.Train, p); verdict.Parity.Status != record.ParityPassed {
		t.Errorf("an honest one: %s: %s", verdict.Parity.Status, verdict.Parity.Reason)
	}
}

// A runner may have a precision in inference only: then its cases are of the
// forward pass, it infers, and it is not asked to train.
func TestAPrecisionWithoutTraining(t *testing.T) {
	p := in("output.logits", scaled(1+1.0/(1<<9)))
	p.hello = has("fp32", "bf16")
	p.hello.Capabilities.NoTraining = map[string]string{"bf16": "its steps fail"}
	cases := part{hello: p.hello, alter: func(plan *plan.Plan, all values) {
		p.alter(plan, all)
		if plan.Training != nil {
			t.Errorf("%s was asked for", plan.Workload)
		}
	}}
	if verdict, _ := verifyIn(t, "bf16", plan.Infer, cases); verdict.Parity.Status != record.ParityPassed {
		t.Errorf("inference: %s: %s", verdict.Parity.Status, verdict.Parity.Reason)
	}
	verdict, _ := verifyIn(t, "bf16", plan.Train, cases)
	if got := verdict.Parity; got.Status != record.ParityUnsupported || got.Reason != "training in bf16: its steps fail" {
		t.Errorf("training: %s: %q", got.Status, got.Reason)
	}
	if verdict, _ := verifyIn(t, "fp32", plan.Train, p); verdict.Parity.Status == record.ParityUnsupported {
		t.Errorf("training in fp32: %s: %s", verdict.Parity.Status, verdict.Parity.Reason)
	}
}

// A runner that takes a precision and computes in float32 all the same is found:
// nobody's outputs are that near to the reference in fewer bits.
func TestAPrecisionThatIsNotInUseFails(t *testing.T) {
	for _, c := range []struct {
		precision string
		off       float64
		passes    bool
	}{{"bf16", 1e-6, false}, {"bf16", 1e-3, true}, {"fp16", 1e-6, false}, {"fp16", 1e-4, true}, {"tf32", 1e-6, true}, {"fp32", 1e-6, true}} {
		for _, mode := range []plan.Mode{plan.Infer, plan.Train} {
			p := in("output.logits", scaled(1+c.off))
			p.hello = has(plan.Precisions()...)
			verdict, _ := verifyIn(t, c.precision, mode, p)
			if passed := verdict.Parity.Status == record.ParityPassed; passed != c.passes {
				t.Errorf("%s off by %g in %s: %s: %s", c.precision, c.off, mode, verdict.Parity.Status, verdict.Parity.Reason)
			}
			if !c.passes && !strings.Contains(verdict.Parity.Reason, "they were computed in a finer one") {
				t.Errorf("%s off by %g in %s: %q does not tell why", c.precision, c.off, mode, verdict.Parity.Reason)
			}
		}
	}
}

// A timed process is held to its precision, too.
func TestTimedOutputsFollowThePrecision(t *testing.T) {
	for precision, passes := range map[string]bool{"fp32": false, "bf16": true} {
		v := &parity.Verdict{Precision: precision, Losses: []float64{2, 2, 2}}
		if check := v.CheckLosses([]float64{2, 2.02, 2}); check.Passed != passes {
			t.Errorf("%s: %+v", precision, check)
		}
	}
}
