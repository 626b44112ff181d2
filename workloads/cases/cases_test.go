package cases_test

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/workloads/cases"
	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/plan/plantest"
	"github.com/dlbench/dlbench/workloads/zoo"
)

// Runs without a network for medical images do not wait for what only those need,
// and with one they do.
func TestForZooWithoutMedicalNetworks(t *testing.T) {
	without, err := cases.ForZoo(false)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"conv/3x3-stride2": true, "conv3d/3x3x3": false, "loss/pixels": false, "loss/sigmoid": false, "instancenorm/image": false} {
		if slices.ContainsFunc(without, func(c cases.Case) bool { return c.Name == name }) != want {
			t.Errorf("%q is needed: %v, want %v", name, !want, want)
		}
	}
	for name, want := range map[string]bool{"lenet": false, "resnet50": false, "unet": true, "chexnet": true, "resnet18-3d": true} {
		if got := cases.Medical(workload(t, name)); got != want {
			t.Errorf("%s is medical: %v", name, got)
		}
	}
}

func workload(t *testing.T, network string) *plan.Plan {
	t.Helper()
	p, err := plan.New(plan.ID{Network: network, Mode: plan.Train, Batch: 1, Precision: plan.FP32}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func all(t *testing.T) []cases.Case {
	t.Helper()
	list, err := cases.All()
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestCasesCoverTheVocabulary(t *testing.T) {
	names, covered := map[string]bool{}, map[string]bool{}
	for _, c := range all(t) {
		if names[c.Name] {
			t.Errorf("case %q is there twice", c.Name)
		}
		names[c.Name] = true
		covered[operator(c).Op] = true
		if !slices.Equal(c.Plan.Network.Outputs, []string{"logits", "op"}) {
			t.Errorf("case %q has outputs %v", c.Name, c.Plan.Network.Outputs)
		}
		if err := c.Plan.Check(); err != nil {
			t.Errorf("case %q: %v", c.Name, err)
		}
		if c.Plan.Mode == plan.Train && !c.Plan.Training.InputGradient {
			t.Errorf("case %q does not ask for the input's gradient", c.Name)
		}
	}
	covered["Flatten"] = true // the head of every case
	for _, op := range network.Operators() {
		if !covered[op] {
			t.Errorf("no case is about %s", op)
		}
	}
}

func operator(c cases.Case) network.Node {
	i := slices.IndexFunc(c.Plan.Network.Nodes, func(n network.Node) bool { return n.Name == "op" })
	return c.Plan.Network.Nodes[i]
}

// A case takes a framework no time: the whole layer is minutes of nothing but
// start-up otherwise.
func TestCasesAreTiny(t *testing.T) {
	for _, c := range all(t) {
		counts, err := c.Plan.Network.Counts()
		if err != nil {
			t.Fatal(err)
		}
		if counts.MACs > 300_000 || counts.ActivationBytes > 64<<10 {
			t.Errorf("case %q has %d multiply-accumulates and %d bytes", c.Name, counts.MACs, counts.ActivationBytes)
		}
	}
}

func TestOperators(t *testing.T) {
	for _, c := range all(t) {
		if c.Name == "mul/squeeze-excite" {
			if want := []string{"Flatten", "Gemm", "GlobalAveragePool", "Mul"}; !slices.Equal(c.Operators(), want) {
				t.Errorf("operators %v, want %v", c.Operators(), want)
			}
			return
		}
	}
	t.Error("there is no case mul/squeeze-excite")
}

// The cases that say whether the zoo can run are those of the ways in which it
// uses operators, no more.
func TestZooCases(t *testing.T) {
	marked := map[string]bool{}
	for _, c := range all(t) {
		marked[c.Name] = c.Zoo
	}
	for name, want := range map[string]bool{
		"conv/3x3-stride2": true, "conv/1x1-stride2": true, "conv/5x5-bias": true, "conv/batch1": true,
		"batchnorm/train-eps1e-05-momentum0.9": true, "relu": true, "add": true, "globalaveragepool": true,
		"maxpool/3x3-stride2-pad1": true, "gemm/after-flatten": true,
		"conv/groups": true, "conv/1x7": true, "maxpool/3x3-stride2-ceil": true, "sigmoid": true, "averagepool/2x2": true,
		"mul/squeeze-excite": true, "reshape/channel-shuffle": true, "gelu/erf": true, "mul/parameter": true,
		"conv/dilated": false, "conv/pads-bottom-right": false, "add/broadcast": false, "resize/nearest": false,
		"averagepool/3x3-ceil-counted": false, "gelu/tanh": false, "gemm/no-bias": false,
		"leakyrelu": true, "instancenorm/image": true, "resize/linear": true, "convtranspose/2x2-stride2": true, "convtranspose/3x3-stride2": false,
		"conv3d/3x3x3-bias": true, "conv3d/dilated": false, "maxpool3d/2x2x2": true, "loss/pixels": true, "loss/pixels-volume": false,
		"loss/dice-batch": true, "loss/dice-images-volume": true, "loss/dice-batch-volume": true, "loss/sigmoid": true,
	} {
		if got, ok := marked[name]; !ok || got != want {
			t.Errorf("case %q: of the zoo %v, want %v (there is one: %v)", name, got, want, ok)
		}
	}
}

func TestFor(t *testing.T) {
	var names []string
	for _, c := range cases.For(all(t), workload(t, "lenet")) {
		names = append(names, c.Name)
	}
	for name, want := range map[string]bool{"conv/5x5-bias": true, "relu": true, "maxpool/2x2": true, "add": false, "globalaveragepool": false, "conv/groups": false} {
		if slices.Contains(names, name) != want {
			t.Errorf("%q bears on LeNet: %v, want %v", name, !want, want)
		}
	}
	for _, name := range names {
		if strings.HasPrefix(name, "batchnorm") {
			t.Errorf("LeNet has no batch norm, and %q bears on it", name)
		}
	}
}

// margin is how far inputs stay from the places where an operator's gradient
// jumps: a thousand times the rounding of float32, so that honest frameworks
// take the same side.
const margin = 1e-4

// Operators with kinks read the input itself in their cases, so the input's
// bytes decide how well-conditioned they are.
func TestInputsStayAwayFromKinks(t *testing.T) {
	for _, c := range all(t) {
		f := plantest.Batch(t, c.Plan)
		for slot := range c.Plan.Slots {
			x, err := f.Float32s(fmt.Sprintf("input.%d", slot))
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range c.Plan.Network.Nodes {
				if n.Inputs[0] != "input" {
					continue
				}
				if d := distance(n, x, c.Plan.Network.Input.Shape); d < margin {
					t.Errorf("case %q, slot %d, node %q: %v from a kink", c.Name, slot, n.Name, d)
				}
			}
		}
	}
}

// distance is that of the nearest value to a jump of the node's gradient.
func distance(n network.Node, x []float32, shape []int) float64 {
	nearest := math.Inf(1)
	switch n.Op {
	case "Relu", "LeakyRelu", "PRelu":
		for _, v := range x {
			nearest = min(nearest, math.Abs(float64(v)))
		}
	case "Clip":
		for _, v := range x {
			nearest = min(nearest, math.Abs(float64(v)-n.Attributes.Float("min")), math.Abs(float64(v)-n.Attributes.Float("max")))
		}
	case "HardSwish":
		for _, v := range x {
			nearest = min(nearest, math.Abs(math.Abs(float64(v))-3))
		}
	case "HardSigmoid":
		for _, v := range x {
			y := n.Attributes.Float("alpha")*float64(v) + n.Attributes.Float("beta")
			nearest = min(nearest, math.Abs(y), math.Abs(y-1))
		}
	case "MaxPool":
		area := int(network.Elements(shape[2:]))
		for plane := range shape[0] * shape[1] {
			nearest = min(nearest, closestRace(n, x[plane*area:(plane+1)*area], shape[2:]))
		}
	}
	return nearest
}

// closestRace is the smallest lead of a window's maximum over its second.
func closestRace(n network.Node, plane []float32, size []int) float64 {
	a, smallest := n.Attributes, math.Inf(1)
	kernel, strides, pads, dilations := a.Ints("kernel_shape"), a.Ints("strides"), a.Ints("pads"), a.Ints("dilations")
	for at := range places(n.Shape[2:]) {
		var values []float64
	window:
		for in := range places(kernel) {
			place := 0
			for axis, extent := range size {
				i := at[axis]*strides[axis] - pads[axis] + in[axis]*dilations[axis]
				if i < 0 || i >= extent {
					continue window
				}
				place = place*extent + i
			}
			values = append(values, float64(plane[place]))
		}
		slices.Sort(values)
		if k := len(values); k > 1 {
			smallest = min(smallest, values[k-1]-values[k-2])
		}
	}
	return smallest
}

// places are all indices below these extents.
func places(extents []int) iter.Seq[[]int] {
	return func(yield func([]int) bool) {
		for k := range int(network.Elements(extents)) {
			index := make([]int, len(extents))
			for axis := len(extents) - 1; axis >= 0; axis-- {
				index[axis], k = k%extents[axis], k/extents[axis]
			}
			if !yield(index) {
				return
			}
		}
	}
}

// What the zoo needs is a part of the whole, and has the cases of each network.
func TestForZoo(t *testing.T) {
	needed, err := cases.ForZoo(true)
	if err != nil {
		t.Fatal(err)
	}
	all, err := cases.All()
	if err != nil {
		t.Fatal(err)
	}
	if len(needed) < 10 || len(needed) >= len(all) {
		t.Errorf("%d of %d cases", len(needed), len(all))
	}
	names := map[string]bool{}
	for _, c := range needed {
		names[c.Name] = true
	}
	for _, name := range zoo.Names() {
		for _, c := range cases.For(all, workload(t, name)) {
			if !names[c.Name] {
				t.Errorf("%s needs %s", name, c.Name)
			}
		}
	}
}
