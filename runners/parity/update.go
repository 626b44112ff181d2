package parity

import (
	"errors"
	"fmt"
	"math"
	"strings"

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
	first, second := newWorst(Update, "first step"), newWorst(Update, "second step")
	for _, param := range p.Network.Parameters {
		if param.Role != network.Trainable {
			continue
		}
		s, err := readSteps(p, candidate, param)
		if errors.Is(err, errNotComparable) {
			first.refuse(param.Name, err, updateTolerance)
			continue
		}
		if err != nil {
			return nil, err
		}
		s.judge(p.Training.Optimizer, param.Name, first, second)
	}
	var checks []record.Check
	for _, w := range []*worst{first, second} {
		if w.seen { // a network may have nothing to train
			checks = append(checks, w.check)
		}
	}
	return checks, nil
}

// steps are the tensors of two steps of one parameter.
type steps struct{ p0, g0, p1, g1, p2 []float64 }

func readSteps(p *plan.Plan, f *tensors.File, param network.Parameter) (s steps, err error) {
	if s.p0, err = p.Initial(param.Name); err != nil {
		return s, err
	}
	for _, part := range []struct {
		to   *[]float64
		name string
	}{{&s.g0, "grad.0/"}, {&s.p1, "param.1/"}, {&s.g1, "grad.1/"}, {&s.p2, "param.2/"}} {
		if *part.to, err = read(f, part.name+param.Name, param.Shape); err != nil {
			reason := strings.TrimPrefix(err.Error(), errNotComparable.Error()+": ")
			return s, fmt.Errorf("%w: %s: %s", errNotComparable, part.name+param.Name, reason)
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

// compareStep compares two updates relative to the expected one. A parameter is
// rounded to float32 after the step, which takes up to 2⁻²⁴ of the parameter
// itself from the update.
func compareStep(w *worst, name string, moved, expected []float64, size float64) {
	apart, length, err := distance(moved, expected)
	if err != nil {
		w.refuse(name, err, updateTolerance)
		return
	}
	length = max(length, smallest)
	w.add(name, apart/length, updateTolerance+updateRounding*size/length, 0)
}

func norm(x []float64) float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	return math.Sqrt(sum)
}
