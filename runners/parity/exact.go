package parity

import (
	"math"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/tensors"
)

const logits = "output.logits"

// slotName is the name of a tensor that verify writes for a slot.
func slotName(name string, slot int) string {
	if slot == 0 {
		return name
	}
	return name + ".slot1"
}

// judgeExact holds the workload itself, at its own size and batch, against the
// reference: the logits of both slots and, in training, the loss of the first
// step. The reference may hold fewer images where they are independent.
func judgeExact(p *plan.Plan, candidate, reference *tensors.File) ([]record.Check, error) {
	outputs := worst{check: record.Check{Layer: Exact, Name: "outputs"}}
	for slot := range p.Slots {
		name := slotName(logits, slot)
		got, err := candidate.Float64s(name)
		if err != nil {
			outputs.refuse(name, errNotComparable, exactTolerance)
			continue
		}
		want, err := reference.Float64s(name)
		if err != nil {
			return nil, err
		}
		if len(got) != p.Batch*p.Classes {
			outputs.refuse(name, errNotComparable, exactTolerance)
			continue
		}
		apart, size, err := distance(got[:min(len(want), len(got))], want)
		if err != nil {
			outputs.refuse(name, err, exactTolerance)
			continue
		}
		outputs.add(name, apart/max(size, 1e-30), exactTolerance, 0)
	}
	checks := []record.Check{outputs.check}
	if p.Mode != plan.Train {
		return checks, nil
	}
	loss := worst{check: record.Check{Layer: Exact, Name: "loss"}}
	want, err := reference.Float64s(logits)
	if err != nil {
		return nil, err
	}
	expected := crossEntropy(want, p.Labels(0), p.Classes)
	got, err := candidate.Float64s("trajectory")
	if err != nil || len(got) == 0 || math.IsNaN(got[0]) {
		loss.refuse("trajectory", errNotComparable, exactTolerance)
	} else {
		loss.add("trajectory", math.Abs(got[0]-expected)/math.Abs(expected), exactTolerance, 0)
	}
	return append(checks, loss.check), nil
}

// crossEntropy is the mean softmax cross-entropy of logits [N, classes].
func crossEntropy(logits []float64, labels []int64, classes int) float64 {
	total := 0.0
	for i, label := range labels {
		row := logits[i*classes : (i+1)*classes]
		most := math.Inf(-1)
		for _, v := range row {
			most = max(most, v)
		}
		sum := 0.0
		for _, v := range row {
			sum += math.Exp(v - most)
		}
		total += math.Log(sum) - (row[label] - most)
	}
	return total / float64(len(labels))
}
