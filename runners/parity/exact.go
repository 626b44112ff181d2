package parity

import (
	"fmt"
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
	return fmt.Sprintf("%s.slot%d", name, slot)
}

// affordable says whether the reference computes a plan at its own size.
func affordable(p *plan.Plan) (bool, error) {
	counts, err := p.Network.Counts()
	return float64(counts.MACs)*float64(p.Batch) <= mostForwardMACs, err
}

// judgeExact compares the workload itself, at its own size and batch, with the
// reference: the logits of both slots and, in training, the loss of the first
// step. In inference the reference may hold fewer images, the first ones: image
// i of a slot is the same whatever the batch. In int8 a rounding that falls the
// other way moves the outputs as far here as among fewer images, so that the spread
// that these had counts.
func judgeExact(p *plan.Plan, candidate, reference *tensors.File, spread float64) ([]record.Check, error) {
	tolerance := numbersOf(p.Precision).exact
	if p.Quantization != nil {
		tolerance = numbersOf(p.Precision).smooth.tolerance(spread)
	}
	outputs := newWorst(Exact, "outputs")
	for slot := range p.Slots {
		name := slotName(logits, slot)
		want, err := reference.Float64s(name)
		if err != nil {
			return nil, err
		}
		got, err := read(candidate, name, p.Logits())
		if err == nil {
			err = finite(got)
		}
		if err == nil && p.Mode == plan.Infer {
			got = got[:min(len(want), len(got))]
		}
		if err := outputs.compare(name, got, want, err, 0, tolerance); err != nil {
			return nil, err
		}
	}
	checks := []record.Check{outputs.check}
	if p.Mode == plan.Infer {
		return checks, nil
	}
	loss, err := judgeLoss(p, candidate, reference)
	return append(checks, loss), err
}

// judgeLoss compares the loss that the first timed step would see.
func judgeLoss(p *plan.Plan, candidate, reference *tensors.File) (record.Check, error) {
	loss := newWorst(Exact, "loss")
	tolerance := numbersOf(p.Precision).exact
	want, err := reference.Float64s(logits)
	if err != nil {
		return loss.check, err
	}
	expected, size := lossOf(p, want)
	got, err := read(candidate, trajectory, []int{exactSteps})
	if err == nil {
		err = finite(got)
	}
	if err != nil {
		loss.refuse(trajectory, err, tolerance)
		return loss.check, nil
	}
	loss.add(trajectory, math.Abs(got[0]-expected)/max(size, smallest), tolerance, 0)
	return loss.check, nil
}

const trajectory = "trajectory"

func finite(values []float64) error {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%w: it holds values that are not numbers", errNotComparable)
		}
	}
	return nil
}
