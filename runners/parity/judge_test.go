package parity_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/parity"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/plan"
)

// verify lets a scripted runner be judged on the tiny network.
func verify(t *testing.T, mode plan.Mode, p part) *parity.Verdict {
	t.Helper()
	return newStage(t).verify(mode, p)
}

// verify shares the reference's answers with the stage's other candidates.
func (s *stage) verify(mode plan.Mode, p part) *parity.Verdict {
	s.t.Helper()
	c := s.candidate(p)
	c.Key = fmt.Sprint("candidate ", s.opened["candidate"])
	verdict, err := s.verifier(part{}).VerifyPlans(context.Background(), c, tiny(s.t, mode, 4), tiny(s.t, mode, 2))
	if err != nil {
		s.t.Fatal(err)
	}
	return verdict
}

// in changes one tensor of the network, and none of the operator cases.
func in(name string, change func(v value) value) part {
	return part{alter: func(p *plan.Plan, all values) {
		if p.Network.Name == "tiny" {
			if v, ok := all[name]; ok {
				all[name] = change(v)
			}
		}
	}}
}

func scaled(by float64) func(value) value {
	return func(v value) value {
		for i := range v.Data {
			v.Data[i] *= by
		}
		return v
	}
}

func set(x float64) func(value) value {
	return func(v value) value {
		v.Data[len(v.Data)-1] = x
		return v
	}
}

func gone(name string) part {
	return part{alter: func(p *plan.Plan, all values) {
		if p.Network.Name == "tiny" {
			delete(all, name)
		}
	}}
}

func TestHonestRunnerPasses(t *testing.T) {
	for _, mode := range []plan.Mode{plan.Infer, plan.Train} {
		verdict := verify(t, mode, part{})
		if verdict.Parity.Status != record.ParityPassed || verdict.Parity.Reason != "" || verdict.Parity.Cached {
			t.Errorf("%s: %+v", mode, verdict.Parity)
		}
		layers := map[string]int{}
		for _, c := range verdict.Parity.Checks {
			layers[c.Layer]++
			if !c.Passed || c.Value > c.Tolerance || c.Tolerance <= 0 {
				t.Errorf("%s: %+v", mode, c)
			}
		}
		want := []string{parity.Operators, parity.Network, parity.Exact}
		if mode == plan.Train {
			want = append(want, parity.Update)
		}
		for _, layer := range want {
			if layers[layer] == 0 {
				t.Errorf("%s: no check of layer %s", mode, layer)
			}
		}
		if len(layers) != len(want) {
			t.Errorf("%s: layers %v, want %v", mode, layers, want)
		}
	}
}

// Every fault fails the check that it belongs to, and the reason says what is
// wrong with which tensor.
func TestFaults(t *testing.T) {
	s := newStage(t)
	for _, c := range []struct {
		name string
		part part
		want string // in the reason
	}{
		{"outputs off", in("output.logits", scaled(1.01)), "network: outputs: output.logits is off by 0.01, allowed are 1e-05"},
		{"outputs of the second slot off", in("output.logits.slot1", scaled(1.01)), "network: outputs: output.logits.slot1 is off by 0.01"},
		{"missing", gone("output.logits.slot1"), "output.logits.slot1 (the runner did not write it)"},
		{"missing gradient", gone("grad.1/conv.weight"), "conv.weight (grad.1/conv.weight: the runner did not write it)"},
		{"missing parameter", gone("param.2/conv.weight"), "update: first step: conv.weight (param.2/conv.weight: the runner did not write it)"},
		{"missing trajectory", gone("trajectory"), "trajectory (the runner did not write it)"},
		{"wrong shape", in("grad.0/conv.weight", func(v value) value { return value{Shape: []int{len(v.Data)}, Data: v.Data} }), "shape [108], expected [4 3 3 3]"},
		{"not a number", in("grad.0/conv.weight", set(math.NaN())), "conv.weight (it holds values that are not numbers)"},
		{"infinite", in("stat.1/bn.running_mean", set(math.Inf(-1))), "stat.1/bn.running_mean (it holds values that are not numbers)"},
		{"not a number in the update", in("param.1/logits.bias", set(math.NaN())), "update: first step: logits.bias (it holds values that are not numbers)"},
		{"not a number in the trajectory", in("trajectory", set(math.NaN())), "trajectory (it holds values that are not numbers)"},
		{"gradients off", in("grad.1/logits.bias", scaled(1.1)), "network: gradients: grad.1/logits.bias is off by 0.1, allowed are 0.0001"},
		{"statistics off", in("stat.2/bn.running_var", scaled(1.001)), "network: running statistics: stat.2/bn.running_var is off by 0.001"},
		{"loss off", in("loss", scaled(1.001)), "network: loss: loss is off by 0.001"},
		{"trajectory off", in("trajectory", func(v value) value { v.Data[2] *= 1.05; return v }), "network: trajectory: trajectory is off by"},
		{"first step off", in("param.1/conv.weight", func(v value) value { v.Data[0] += 1e-4; return v }), "step: conv.weight is off by"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := s.verify(plan.Train, c.part).Parity
			if got.Status != record.ParityFailed || !strings.Contains(got.Reason, c.want) {
				t.Errorf("%s: %q, want %q", got.Status, got.Reason, c.want)
			}
			for _, check := range got.Checks {
				if math.IsInf(check.Value, 0) || math.IsNaN(check.Value) {
					t.Errorf("a record cannot hold %+v", check)
				}
			}
		})
	}
}

func TestStructure(t *testing.T) {
	load := func(p *plan.Plan) (protocol.LoadResult, error) {
		if p.Network.Name == "tiny" {
			return protocol.LoadResult{Parameters: 140}, nil
		}
		return protocol.LoadResult{}, nil
	}
	for _, c := range []struct {
		name string
		part part
		want string
	}{
		{"parameters", part{load: load}, "network: parameters: 140 parameters, the plan has 141"},
		{"shapes", part{shapes: map[string][]int{"conv": {2, 4, 5, 5}}}, "network: shapes: conv has shape [2 4 5 5], the plan says [2 4 6 6]"},
	} {
		if got := verify(t, plan.Infer, c.part).Parity; got.Status != record.ParityFailed || got.Reason != c.want {
			t.Errorf("%s: %s: %q, want %q", c.name, got.Status, got.Reason, c.want)
		}
	}
	// Nodes that only the framework has are its own business.
	if got := verify(t, plan.Infer, part{shapes: map[string][]int{"conv": {2, 4, 6, 6}, "fused": {1}}}).Parity; got.Status != record.ParityPassed {
		t.Errorf("%s: %s", got.Status, got.Reason)
	}
}

// The variance that the batch adds differs by m/(m−1) between the estimators:
// either is right for a runner that declares it, and wrong for one that does not.
func TestRunningVarianceEstimators(t *testing.T) {
	const momentum, m = 0.9, 2 * 6 * 6
	biased := func(p *plan.Plan, all values) {
		if p.Network.Name != "tiny" || p.Training == nil || all["stat.1/bn.running_var"].Data == nil {
			return
		}
		old, err := p.Initial("bn.running_var")
		if err != nil {
			panic(err)
		}
		first, second := all["stat.1/bn.running_var"].Data, all["stat.2/bn.running_var"].Data
		for i := range old {
			batch1 := (first[i] - momentum*old[i]) * (m - 1) / m
			batch2 := (second[i] - momentum*first[i]) * (m - 1) / m
			first[i] = momentum*old[i] + batch1
			second[i] = momentum*first[i] + batch2
		}
	}
	declare := func(estimator string) protocol.HelloResult {
		return protocol.HelloResult{Capabilities: protocol.Capabilities{RunningVariance: estimator}}
	}
	for _, c := range []struct {
		declared string
		alter    func(*plan.Plan, values)
		passes   bool
	}{
		{"unbiased", nil, true}, {"biased", nil, false}, {"unbiased", biased, false}, {"biased", biased, true},
	} {
		s := newStage(t)
		verdict, err := s.verifier(part{}).VerifyPlans(context.Background(), s.candidate(part{hello: declare(c.declared), alter: c.alter}),
			tiny(t, plan.Train, 4), tiny(t, plan.Train, 2))
		if err != nil {
			t.Fatal(err)
		}
		check := named(t, verdict, "running statistics")
		if check.Passed != c.passes {
			t.Errorf("declared %s, altered %t: %+v", c.declared, c.alter != nil, check)
		}
	}
	// A first step of another length must not break the correction of the second.
	p := in("stat.1/bn.running_var", func(v value) value { return value{Shape: []int{1}, Data: v.Data[:1]} })
	p.hello = declare("biased")
	if got := verify(t, plan.Train, p).Parity; got.Status != record.ParityFailed {
		t.Errorf("%s: %s", got.Status, got.Reason)
	}
}

func named(t *testing.T, v *parity.Verdict, name string) record.Check {
	t.Helper()
	for _, c := range v.Parity.Checks {
		if c.Name == name {
			return c
		}
	}
	t.Fatalf("no check %q in %+v", name, v.Parity)
	return record.Check{}
}

// The tolerance follows the reference's own noise, between a floor and a
// ceiling; the spread is published beside it.
func TestTolerancesFollowTheSpread(t *testing.T) {
	const roundings = 16 * 0x1p-24 // of the scripted noise, times its seed
	verdict := verify(t, plan.Train, part{})
	for _, name := range []string{"outputs", "gradients", "running statistics"} {
		c := named(t, verdict, name)
		if want := 3 * roundings; math.Abs(c.Spread-want) > 1e-3*want {
			t.Errorf("%s: spread %g, want %g: the largest of three seeds", name, c.Spread, want)
		}
	}
	if c := named(t, verdict, "gradients"); c.Tolerance != 1e-4 {
		t.Errorf("gradients: tolerance %g, want the floor", c.Tolerance)
	}
	s := newStage(t)
	runs := 0
	wild := func(p *plan.Plan, all values) {
		if p.Network.Name != "tiny" {
			return
		}
		if runs++; runs > 1 { // the first run is the exact one
			for _, v := range all {
				scaled(1.1)(v)
			}
		}
	}
	deep := tiny(t, plan.Train, 2)
	verdict, err := s.verifier(part{alter: wild}).VerifyPlans(context.Background(), s.candidate(part{}), deep, deep)
	if err != nil {
		t.Fatal(err)
	}
	for name, ceiling := range map[string]float64{"outputs": 1e-3, "loss": 1e-3, "trajectory": 1e-3, "running statistics": 1e-3, "gradients": 0.5} {
		if c := named(t, verdict, name); c.Layer != parity.Network || math.Abs(c.Tolerance-ceiling) > 1e-3*ceiling {
			t.Errorf("%s with a spread of 10 %%: %+v, want tolerance %g", name, c, ceiling)
		}
	}
}

// A runner that breaks is a verdict; so is a file that is none.
func TestBrokenRunner(t *testing.T) {
	s := newStage(t)
	refusal := &protocol.Error{Code: protocol.Unsupported, Message: "no convolutions here"}
	for _, c := range []struct {
		name, status, reason string
		part                 part
	}{
		{"unsupported network", record.ParityUnsupported, "no convolutions here", part{load: onTiny(refusal)}},
		{"no device", record.ParityUnsupported, "no card", part{load: onTiny(&protocol.Error{Code: protocol.DeviceUnavailable, Message: "no card"})}},
		{"out of memory", record.ParityError, "out_of_memory: too large", part{load: onTiny(&protocol.Error{Code: protocol.OutOfMemory, Message: "too large"})}},
		{"no file", record.ParityError, "no such file", part{file: func(*plan.Plan, string) error { return nil }}},
		{"half a file", record.ParityError, "not a whole safetensors file", part{file: func(_ *plan.Plan, path string) error {
			return os.WriteFile(path, []byte{200, 0, 0, 0, 0, 0, 0, 0, '{'}, 0o644)
		}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := s.verify(plan.Infer, c.part).Parity
			if got.Status != c.status || !strings.Contains(got.Reason, c.reason) || got.Checks == nil {
				t.Errorf("%+v, want %s with %q", got, c.status, c.reason)
			}
		})
	}
}

// onTiny refuses the network, and no operator case.
func onTiny(err error) func(*plan.Plan) (protocol.LoadResult, error) {
	return func(p *plan.Plan) (protocol.LoadResult, error) {
		if p.Network.Name == "tiny" {
			return protocol.LoadResult{}, err
		}
		return protocol.LoadResult{}, nil
	}
}

// All rows of a batch are judged if the reference affords them.
func TestEveryImageIsJudged(t *testing.T) {
	last := in("output.logits", func(v value) value {
		if v.Shape[0] == 4 { // the workload's own batch
			v.Data[len(v.Data)-1] += 1
		}
		return v
	})
	if got := verify(t, plan.Infer, last).Parity; got.Status != record.ParityFailed || !strings.HasPrefix(got.Reason, "exact: outputs") {
		t.Errorf("%s: %q", got.Status, got.Reason)
	}
}
