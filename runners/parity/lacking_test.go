package parity_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/plan"
)

func having(operators ...string) part {
	return part{hello: protocol.HelloResult{Capabilities: protocol.Capabilities{Operators: operators}}}
}

// What a runner says that it lacks is not asked of it, and is not a failure: it may
// still be right about networks that do without.
func TestRunnerWithoutAnOperator(t *testing.T) {
	s := newStage(t)
	v := s.verifier(part{})
	v.Cases = fewCases(t)
	p := tiny(t, plan.Infer, 2)
	some := s.candidate(having("Conv", "BatchNormalization", "Relu", "GlobalAveragePool", "Flatten", "Gemm"))
	verdict, err := v.VerifyPlans(t.Context(), some, p, p)
	if err != nil || verdict.Parity.Status != "passed" {
		t.Fatalf("%+v, %v", verdict, err)
	}
	if c := caseNamed(t, verdict, "sigmoid"); c.Unsupported != `node "op": operator Sigmoid` {
		t.Errorf("case sigmoid: %+v", c)
	}
	few := s.candidate(having("Conv", "Relu", "Flatten", "Gemm"))
	few.Name = "few"
	verdict, err = v.VerifyPlans(t.Context(), few, p, p)
	if err != nil || verdict.Parity.Status != "unsupported" || verdict.Parity.Reason != `node "bn": operator BatchNormalization` {
		t.Errorf("%+v, %v", verdict, err)
	}
}

// A loss that a runner lacks is not asked of it; one that only infers gives that as
// its reason, whatever the loss.
func TestRunnerWithoutALoss(t *testing.T) {
	s := newStage(t)
	v := s.verifier(part{})
	p := tiny(t, plan.Train, 2)
	p.TrainBy(network.SigmoidCrossEntropy, false)
	for name, tt := range map[string]struct {
		modes []string
		want  string
	}{
		"trains": {[]string{"infer", "train"}, "loss SigmoidCrossEntropy"},
		"infers": {[]string{"infer"}, "it has no training"},
	} {
		runner := having("Conv", "BatchNormalization", "Relu", "GlobalAveragePool", "Flatten", "Gemm")
		runner.hello.Capabilities.Modes = tt.modes
		runner.load = func(p *plan.Plan) (protocol.LoadResult, error) {
			if p.Mode == plan.Train && !slices.Contains(tt.modes, "train") {
				return protocol.LoadResult{}, &protocol.Error{Code: protocol.Unsupported, Message: "it has no training"}
			}
			return protocol.LoadResult{}, nil
		}
		c := s.candidate(runner)
		c.Name, c.Key = name, name
		verdict, err := v.VerifyPlans(t.Context(), c, p, p)
		if err != nil || verdict.Parity.Status != "unsupported" || verdict.Parity.Reason != tt.want {
			t.Errorf("%s: %+v, %v", name, verdict, err)
		}
	}
}

// A reference that lacks an operator cannot judge, and says so for each cell.
func TestReferenceWithoutAnOperator(t *testing.T) {
	s := newStage(t)
	v := s.verifier(having("Conv", "BatchNormalization", "Relu", "Flatten", "Gemm"))
	v.Cases = fewCases(t)
	p := tiny(t, plan.Infer, 2)
	verdict, err := v.VerifyPlans(t.Context(), s.candidate(part{}), p, p)
	if err != nil || verdict.Parity.Status != "unsupported" ||
		!strings.Contains(verdict.Parity.Reason, `the reference, which judges, cannot: node "global": operator GlobalAveragePool`) {
		t.Errorf("%+v, %v", verdict, err)
	}
}
