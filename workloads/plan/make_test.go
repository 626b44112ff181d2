package plan_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/plan"
)

func TestNew(t *testing.T) {
	p := mustMake(t, "resnet50/train/b8/fp32", 7)
	if p.Classes != 1000 || p.Batch != 8 || p.Seed != 7 || p.Slots != 2 || p.Network.Input.Shape[2] != 224 {
		t.Errorf("got classes %d, batch %d, seed %d, slots %d, input %v", p.Classes, p.Batch, p.Seed, p.Slots, p.Network.Input.Shape)
	}
	want := plan.Optimizer{Name: "sgd", LearningRate: 1e-3, Momentum: 0.9, Nesterov: true}
	if p.Training == nil || p.Training.Optimizer != want {
		t.Errorf("training is %+v", p.Training)
	}
	if err := p.Check(); err != nil {
		t.Error(err)
	}
	if infer := mustMake(t, "resnet50/infer/b8/fp32", 7); infer.Training != nil {
		t.Errorf("an inference plan trains: %+v", infer.Training)
	}
}

func TestNewRefusesASizeThatDoesNotFit(t *testing.T) {
	_, err := plan.New(plan.ID{Network: "lenet", Size: 5, Mode: plan.Infer, Batch: 1, Precision: "fp32"}, 1)
	if err == nil || !strings.Contains(err.Error(), "workload lenet@5/infer/b1/fp32") || !strings.Contains(err.Error(), "conv2") {
		t.Errorf("got %v", err)
	}
}

func TestParity(t *testing.T) {
	for _, c := range []struct{ asked, want string }{
		{"resnet50/infer/b8/fp32", "resnet50/infer/b2/fp32"},
		{"resnet50/infer/b1/fp32", "resnet50/infer/b1/fp32"},
		{"resnet50/train/b32/fp32", "resnet50@96/train/b8/fp32"},
		{"resnet50/train/b2/fp32", "resnet50@96/train/b2/fp32"},
		{"lenet/train/b64/fp32", "lenet/train/b8/fp32"},
		{"resnet20/infer/b32/fp32", "resnet20/infer/b2/fp32"},
		{"resnet50/train/b32/bf16", "resnet50@96/train/b8/bf16"},
	} {
		id, err := plan.ParseID(c.asked)
		if err != nil {
			t.Fatal(err)
		}
		p, err := plan.Parity(id, 3)
		if err != nil {
			t.Fatal(err)
		}
		if p.Workload != c.want || p.Seed != 3 {
			t.Errorf("parity of %s is %s with seed %d, want %s", c.asked, p.Workload, p.Seed, c.want)
		}
		if err := p.Check(); err != nil {
			t.Error(err)
		}
	}
}

// The precision is of the computing: weights and batches are the same bytes, and
// a plan in its own precision is itself.
func TestIn(t *testing.T) {
	p := mustMake(t, "lenet/train/b4/fp32", 1)
	other := p.In("bf16")
	if err := other.Check(); err != nil || other.Workload != "lenet/train/b4/bf16" || p.Precision != "fp32" || p.In("fp32") != p {
		t.Errorf("%s in bf16 is %s, %v", p.Workload, other.Workload, err)
	}
	dir := t.TempDir()
	a, err := plan.Materialize(t.Context(), dir, p)
	if err != nil {
		t.Fatal(err)
	}
	b, err := plan.Materialize(t.Context(), dir, other)
	if err != nil || a.Weights != b.Weights || a.Batch != b.Batch || a.Plan.SHA256 == b.Plan.SHA256 {
		t.Errorf("%+v and %+v, %v", a, b, err)
	}
	if again := mustMake(t, "lenet/train/b4/bf16", 1); !reflect.DeepEqual(again, other) {
		t.Errorf("made in bf16 it is %+v", again)
	}
	if err := p.In("fp8").Check(); err == nil || !strings.Contains(err.Error(), `precision is "fp8"`) {
		t.Errorf("fp8: %v", err)
	}
}

// Weights must not depend on the size: what is verified at 96 is timed at 224.
func TestParityHasTheSameParameters(t *testing.T) {
	id := plan.ID{Network: "resnet18", Mode: plan.Train, Batch: 8, Precision: "fp32"}
	timed, err := plan.New(id, 1)
	if err != nil {
		t.Fatal(err)
	}
	verified, err := plan.Parity(id, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range timed.Network.Parameters {
		q := verified.Network.Parameters[i]
		if p.Name != q.Name || p.Init != q.Init || p.Role != q.Role {
			t.Errorf("%+v became %+v", p, q)
		}
	}
}

func TestFromTakesClassesFromTheFirstOutput(t *testing.T) {
	net := &network.Network{
		Name: "n", Opset: network.Opset, Input: network.Value{Name: "input", Shape: []int{2, 3, 1, 1}}, Outputs: []string{"logits", "p"},
		Nodes: []network.Node{
			{Name: "f", Op: "Flatten", Inputs: []string{"input"}, Output: "logits", Attributes: network.Attributes{"axis": 1}},
			{Name: "g", Op: "GlobalAveragePool", Inputs: []string{"input"}, Output: "p"},
		},
	}
	if err := net.Check(); err != nil {
		t.Fatal(err)
	}
	p := plan.From(net, plan.ID{Network: "n", Mode: plan.Infer, Batch: 2, Precision: "fp32"}, 1, 0)
	if p.Classes != 3 {
		t.Errorf("%d classes, want 3", p.Classes)
	}
	if err := p.Check(); err != nil {
		t.Error(err)
	}
}
