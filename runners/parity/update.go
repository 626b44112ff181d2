package parity

import (
	"errors"
	"fmt"
	"math"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/tensors"
)

// judgeUpdate applies the plan's optimizer to the runner's own gradients and
// compares its parameters after one step and after two. So learning rate, form
// of the momentum, scaling of the loss and sum or mean show at full size,
// however badly the gradients themselves are conditioned.
func judgeUpdate(p *plan.Plan, candidate *tensors.File) ([]record.Check, error) {
	first := worst{check: record.Check{Layer: Update, Name: "first step"}}
	second := worst{check: record.Check{Layer: Update, Name: "second step"}}
	for _, param := range p.Network.Parameters {
		if param.Role != network.Trainable {
			continue
		}
		s, err := readSteps(p, candidate, param.Name)
		if errors.Is(err, errNotComparable) {
			first.refuse(param.Name, err, updateTolerance)
			continue
		}
		if err != nil {
			return nil, err
		}
		s.judge(p.Training.Optimizer, param.Name, &first, &second)
	}
	return []record.Check{first.check, second.check}, nil
}

// steps are the tensors of two steps of one parameter.
type steps struct{ p0, g0, p1, g1, p2 []float64 }

func readSteps(p *plan.Plan, f *tensors.File, name string) (steps, error) {
	var s steps
	var err error
	if s.p0, err = p.Initial(name); err != nil {
		return s, err
	}
	for _, part := range []struct {
		to   *[]float64
		name string
	}{{&s.g0, "grad.0/"}, {&s.p1, "param.1/"}, {&s.g1, "grad.1/"}, {&s.p2, "param.2/"}} {
		if _, ok := f.Info(part.name + name); !ok {
			return s, fmt.Errorf("%w: the runner did not write %s", errNotComparable, part.name+name)
		}
		if *part.to, err = f.Float64s(part.name + name); err != nil {
			return s, err
		}
		if len(*part.to) != len(s.p0) {
			return s, fmt.Errorf("%w: %s has %d elements, not %d", errNotComparable, part.name+name, len(*part.to), len(s.p0))
		}
	}
	return s, nil
}

// judge follows v ← m·v + g; p ← p − rate·(g + m·v) from v = 0.
func (s steps) judge(o plan.Optimizer, name string, first, second *worst) {
	n := len(s.p0)
	expected1, moved1 := make([]float64, n), make([]float64, n)
	expected2, moved2 := make([]float64, n), make([]float64, n)
	for i := range n {
		v := s.g0[i]
		expected1[i] = -o.LearningRate * (s.g0[i] + o.Momentum*v)
		moved1[i] = s.p1[i] - s.p0[i]
		v = o.Momentum*v + s.g1[i]
		expected2[i] = -o.LearningRate * (s.g1[i] + o.Momentum*v)
		moved2[i] = s.p2[i] - s.p1[i]
	}
	size := norm(s.p0)
	compareStep(first, name, moved1, expected1, size)
	compareStep(second, name, moved2, expected2, size)
}

func compareStep(w *worst, name string, moved, expected []float64, size float64) {
	apart, length, err := distance(moved, expected)
	if err != nil {
		w.refuse(name, err, updateTolerance)
		return
	}
	length = max(length, 1e-30)
	w.add(name, apart/length, updateTolerance+updateRounding*size/length, 0)
}

func norm(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	return math.Sqrt(sum)
}
