package parity_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/parity"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/plan"
)

// onCase answers a load of one operator case with an error.
func onCase(name string, err error) func(*plan.Plan) (protocol.LoadResult, error) {
	return func(p *plan.Plan) (protocol.LoadResult, error) {
		if strings.HasPrefix(p.Workload, "case/"+name+"/") {
			return protocol.LoadResult{}, err
		}
		return protocol.LoadResult{}, nil
	}
}

// spoil changes the tensors of one operator case.
func spoil(name, tensor string) part {
	return part{alter: func(p *plan.Plan, all values) {
		if v, ok := all[tensor]; ok && strings.HasPrefix(p.Workload, "case/"+name+"/") {
			all[tensor] = scaled(1.001)(v)
		}
	}}
}

// The tiny network convolves 3×3, normalises, rectifies, pools globally and has
// a dense layer: cases of other operators, or of other ways, are reported and
// decide nothing.
func TestCasesThatBear(t *testing.T) {
	s := newStage(t)
	for _, c := range []struct {
		name   string
		mode   plan.Mode
		part   part
		status string
		bears  bool
	}{
		{"conv/3x3", plan.Infer, spoil("conv/3x3", "output.op"), record.ParityFailed, true},
		{"conv/3x3", plan.Train, spoil("conv/3x3", "grad.input"), record.ParityFailed, true},
		{"conv/3x3", plan.Infer, spoil("conv/3x3", "grad.input"), record.ParityPassed, true},
		{"conv/groups", plan.Train, spoil("conv/groups", "output.op"), record.ParityPassed, false},
		{"sigmoid", plan.Train, spoil("sigmoid", "output.op"), record.ParityPassed, false},
		{"batchnorm/train-eps1e-05-momentum0.9", plan.Infer, spoil("batchnorm/train-eps1e-05-momentum0.9", "output.op"), record.ParityPassed, false},
		{"batchnorm/train-eps1e-05-momentum0.9", plan.Train, spoil("batchnorm/train-eps1e-05-momentum0.9", "output.op"), record.ParityFailed, true},
		{"batchnorm/infer-eps1e-05-momentum0.9", plan.Train, spoil("batchnorm/infer-eps1e-05-momentum0.9", "output.op"), record.ParityPassed, false},
		{"batchnorm/infer-eps1e-05-momentum0.9", plan.Infer, spoil("batchnorm/infer-eps1e-05-momentum0.9", "output.op"), record.ParityFailed, true},
	} {
		t.Run(c.name+"/"+string(c.mode), func(t *testing.T) {
			verdict := s.verify(c.mode, c.part)
			if verdict.Parity.Status != c.status {
				t.Errorf("%s: %s, want %s", verdict.Parity.Status, verdict.Parity.Reason, c.status)
			}
			if c.status == record.ParityFailed && !strings.Contains(verdict.Parity.Reason, c.name) {
				t.Errorf("reason %q does not name the case", verdict.Parity.Reason)
			}
			got := caseNamed(t, verdict, c.name)
			if got.Bears != c.bears || got.Check.Passed || got.Check.Value < 50*got.Check.Tolerance {
				t.Errorf("%+v, want it to fail and bear %t", got, c.bears)
			}
		})
	}
}

func caseNamed(t *testing.T, v *parity.Verdict, name string) parity.CaseResult {
	t.Helper()
	for _, c := range v.Cases {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no case %q among %d", name, len(v.Cases))
	return parity.CaseResult{}
}

// A refusal of one case is noted with its reason, and the others go on.
func TestUnsupportedCase(t *testing.T) {
	refusal := &protocol.Error{Code: protocol.Unsupported, Message: "no even windows"}
	verdict := verify(t, plan.Train, part{load: onCase("lrn/alexnet", refusal)})
	if verdict.Parity.Status != record.ParityPassed {
		t.Errorf("%s: %s", verdict.Parity.Status, verdict.Parity.Reason)
	}
	if got := caseNamed(t, verdict, "lrn/alexnet"); got.Unsupported != "no even windows" || got.Bears {
		t.Errorf("%+v", got)
	}
	if got := caseNamed(t, verdict, "lrn/strong"); got.Unsupported != "" || !got.Check.Passed {
		t.Errorf("%+v", got)
	}
}

// A runner that dies in a case is started again for the next one; the case
// fails, and decides if the network needs it.
func TestCrashInACase(t *testing.T) {
	died := errors.New("it was killed by SIGSEGV\nwith a long trace")
	for _, c := range []struct{ name, status string }{{"sigmoid", record.ParityPassed}, {"relu", record.ParityFailed}} {
		s := newStage(t)
		verdict := s.verify(plan.Infer, part{load: onCase(c.name, died)})
		if verdict.Parity.Status != c.status {
			t.Errorf("%s: %s: %s", c.name, verdict.Parity.Status, verdict.Parity.Reason)
		}
		got := caseNamed(t, verdict, c.name)
		if got.Check.Passed || !strings.Contains(got.Check.Tensor, "killed by SIGSEGV)") {
			t.Errorf("%+v", got)
		}
		// One start for the cases, one after the crash, one for the network.
		if s.opened["candidate"] != 3 {
			t.Errorf("%s: the runner was started %d times, want 3", c.name, s.opened["candidate"])
		}
		if len(verdict.Cases) != len(fewCases(t)) {
			t.Errorf("%s: %d cases, want all", c.name, len(verdict.Cases))
		}
	}
}

// One that dies in every case is given up.
func TestCrashInEveryCase(t *testing.T) {
	s := newStage(t)
	verdict := s.verify(plan.Infer, part{verify: errors.New("it exited with 1")})
	if verdict.Parity.Status != record.ParityError || !strings.Contains(verdict.Parity.Reason, "it exited with 1") {
		t.Errorf("%+v", verdict.Parity)
	}
	if s.opened["candidate"] > 6 {
		t.Errorf("started %d times", s.opened["candidate"])
	}
}

// A runner that cannot train is judged by the forward pass of the cases.
func TestInferenceAloneIsJudgedForward(t *testing.T) {
	s := newStage(t)
	trained := 0
	p := part{hello: protocol.HelloResult{Capabilities: protocol.Capabilities{Modes: []string{"infer"}}},
		load: func(p *plan.Plan) (protocol.LoadResult, error) {
			if p.Mode == plan.Train {
				trained++
				return protocol.LoadResult{}, &protocol.Error{Code: protocol.Unsupported, Message: "no training"}
			}
			return protocol.LoadResult{}, nil
		}}
	verdict := s.verify(plan.Infer, p)
	if verdict.Parity.Status != record.ParityPassed || trained > 0 {
		t.Errorf("%s: %s; %d plans were to be trained", verdict.Parity.Status, verdict.Parity.Reason, trained)
	}
	if got := caseNamed(t, verdict, "conv/3x3"); !got.Bears || !got.Check.Passed || got.Check.Tolerance == 0 {
		t.Errorf("%+v", got)
	}
	p.alter = spoil("conv/3x3", "output.op").alter
	if verdict := s.verify(plan.Infer, p); verdict.Parity.Status != record.ParityFailed {
		t.Errorf("%s: %s", verdict.Parity.Status, verdict.Parity.Reason)
	}
	if verdict := s.verify(plan.Train, p); verdict.Parity.Status != record.ParityUnsupported || verdict.Parity.Reason != "no training" {
		t.Errorf("%s: %s", verdict.Parity.Status, verdict.Parity.Reason)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s := newStage(t)
	c := s.candidate(part{load: func(*plan.Plan) (protocol.LoadResult, error) {
		cancel()
		return protocol.LoadResult{}, errors.New("stopped on request")
	}})
	_, err := s.verifier(part{}).VerifyPlans(ctx, c, tiny(t, plan.Infer, 2), tiny(t, plan.Infer, 2))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want it to be cancelled", err)
	}
	if s.opened["candidate"] != 1 {
		t.Errorf("started %d times after the cancellation", s.opened["candidate"])
	}
}
