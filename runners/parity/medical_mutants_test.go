package parity_test

import (
	"slices"
	"testing"

	"github.com/dlbench/dlbench/workloads/cases"
	"github.com/dlbench/dlbench/workloads/initial"
	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/plan"
)

// medical begins the names of these runners.
const medical = "medical-"

// TestMedicalMutants does as TestMutants with what networks for medical images
// use, and a small U-Net of volumes.
func TestMedicalMutants(t *testing.T) {
	l := newLab(t, 1)
	cache := t.TempDir()
	some := casesOf(t, true)
	judge := func(name string) map[string]float64 {
		v := l.verifier(cache)
		v.Cases = some
		return judged(t, l, v, name, plan.FP32, volumePlan)
	}
	t.Log(table(judgeAll(t, mutants(t, l, scriptOf(medical)), plan.FP32, judge), missFactor))
}

// casesOf are those of volumes, losses and instance norms, or the others.
func casesOf(t *testing.T, medical bool) []cases.Case {
	t.Helper()
	all, err := cases.All()
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(c cases.Case) bool {
		ops := c.Operators()
		is := cases.Medical(c.Plan) || slices.Contains(ops, "InstanceNormalization") || slices.Contains(ops, "Resize") || slices.Contains(ops, "ConvTranspose")
		return is != medical
	})
}

// volumePlan is a workload of a U-Net of volumes with one of everything that a
// known mistake gets wrong: instance norms, a strided convolution, a transposed one
// with output padding beside an interpolation, and Dice.
func volumePlan(t *testing.T, mode plan.Mode, batch int) *plan.Plan {
	t.Helper()
	s := &small{net: network.Network{Name: "volumes", Opset: network.Opset, Input: network.Value{Name: "input", Shape: []int{batch, 1, 6, 10, 8}}},
		channels: map[string]int{"input": 1}}
	skip := s.instanced("down", s.volumeConv("down.conv", "input", 6, 3, 1))
	deep := s.instanced("deep", s.volumeConv("deep.conv", skip, 8, 3, 2))
	up := s.node("up", "ConvTranspose", network.Attributes{"kernel_shape": []int{3, 3, 3}, "strides": []int{2, 2, 2}, "pads": []int{1, 1, 1, 1, 1, 1},
		"dilations": []int{1, 1, 1}, "group": 1, "output_padding": []int{1, 1, 1}}, 6, deep, s.drawn("up.weight", 8, 6, 3, 3, 3), s.drawn("up.bias", 6))
	wide := s.node("wide", "Resize", network.Attributes{"mode": "linear", "scales": []int{2, 2, 2}, "coordinate_transformation_mode": "half_pixel",
		"nearest_mode": "floor"}, 8, deep)
	x := s.node("concat", "Concat", network.Attributes{"axis": 1}, 6+6+8, skip, up, wide)
	x = s.instanced("last", s.volumeConv("last.conv", x, 8, 3, 1))
	s.volumeConv("logits", x, 3, 1, 1)
	s.net.Outputs = []string{"logits"}
	initial.Draw(&s.net)
	if err := s.net.Check(); err != nil {
		t.Fatal(err)
	}
	p := plan.From(&s.net, plan.ID{Network: s.net.Name, Mode: mode, Batch: batch, Precision: plan.FP32}, 7, 1e-4)
	p.TrainBy(network.DiceCrossEntropy, false)
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	return p
}

// drawn is a parameter whose start initial.Draw says.
func (s *small) drawn(name string, shape ...int) string {
	return s.parameter(name, network.Trainable, network.Init{}, shape...)
}

func (s *small) volumeConv(name, x string, out, kernel, stride int) string {
	pad := kernel / 2
	return s.node(name, "Conv", network.Attributes{"kernel_shape": []int{kernel, kernel, kernel}, "strides": []int{stride, stride, stride},
		"pads": []int{pad, pad, pad, pad, pad, pad}, "dilations": []int{1, 1, 1}, "group": 1}, out, x,
		s.drawn(name+".weight", out, s.channels[x], kernel, kernel, kernel), s.drawn(name+".bias", out))
}

// instanced is an instance norm and a leaky rectifier.
func (s *small) instanced(name, x string) string {
	c := s.channels[x]
	x = s.node(name+".norm", "InstanceNormalization", network.Attributes{"epsilon": 1e-5}, c, x, s.drawn(name+".weight", c), s.drawn(name+".bias", c))
	return s.node(name+".nonlin", "LeakyRelu", network.Attributes{"alpha": 0.01}, c, x)
}
