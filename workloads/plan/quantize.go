package plan

import (
	"fmt"
	"math"
	"slices"

	"github.com/dlbench/dlbench/workloads/evaluate"
	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/tensors"
)

// Ranges are the least and the largest value of each activation of a network whose
// batch normalisations are folded, zero among them.
type Ranges map[string][2]float64

// calibrationMACs bounds what calibrating computes for a slot, and
// calibrationImages how many of its images that are: seconds for ResNet-50.
const (
	calibrationMACs   = 4e9
	calibrationImages = 8
)

// CalibrationBatch is how many images of each slot a network's ranges are of. It is
// the same whatever the workload's batch, so that all of them have the same scales.
func (p *Plan) CalibrationBatch() (int, error) {
	counts, err := p.Network.Counts()
	if err != nil {
		return 0, err
	}
	return int(max(1, min(calibrationImages, calibrationMACs/float64(max(1, counts.MACs))))), nil
}

// Ranges computes the plan's own batches in float64. Only powers of two are made of
// it: the last bits, in which machines may differ, do not count.
func (p *Plan) Ranges() (Ranges, error) {
	folded, _ := p.folded()
	ranges := Ranges{}
	for slot := range p.Slots {
		input, err := p.input(slot)
		if err != nil {
			return nil, fmt.Errorf("calibrate %s: %w", p.Workload, err)
		}
		err = evaluate.Run(&folded.Network, folded.Values, input, ranges.widen)
		if err != nil {
			return nil, fmt.Errorf("calibrate %s: %w", p.Workload, err)
		}
	}
	for name, r := range ranges {
		if size := r[1] - r[0]; math.IsNaN(size) || math.IsInf(size, 0) {
			return nil, fmt.Errorf("calibrate %s: activation %q has values that are not numbers", p.Workload, name)
		}
	}
	return ranges, nil
}

func (r Ranges) widen(name string, values []float64) {
	is := r[name]
	for _, v := range values {
		is = [2]float64{min(is[0], v), max(is[1], v)}
	}
	r[name] = is
}

// input is a slot's batch, as its file has it.
func (p *Plan) input(slot int) ([]float64, error) {
	values := make([]float32, network.Elements(p.Network.Input.Shape))
	if p.Inputs != nil {
		_, fill := p.imagePieces(slot)
		if err := fill(0, values); err != nil {
			return nil, err
		}
	} else {
		tensors.FillFrom(0, values, p.drawnInput(slot))
	}
	wide := make([]float64, len(values))
	for i, v := range values {
		wide[i] = float64(v)
	}
	return wide, nil
}

// Quantize is a plan in float32 that only infers, in int8 by the ranges of the same
// network with the same weights.
func (p *Plan) Quantize(ranges Ranges) (*Plan, error) {
	if p.Mode != Infer || p.Quantization != nil {
		return nil, fmt.Errorf("quantize %s: expected a plan in float32 that only infers", p.Workload)
	}
	q, folded := p.folded()
	q = q.In(INT8)
	g := graphOf(&q.Network)
	found := &Quantization{Activations: []QuantizedActivation{}, Products: []string{}, Folded: folded}
	for _, name := range g.activations() {
		if !g.quantised(name) {
			continue
		}
		r, ok := ranges[name]
		if !ok {
			return nil, fmt.Errorf("quantize %s: activation %q was not calibrated", p.Workload, name)
		}
		found.Activations = append(found.Activations, found.scaled(g, name, r))
	}
	for _, n := range q.Network.Nodes {
		if g.product(n) {
			found.Products = append(found.Products, n.Name)
		}
	}
	q.Quantization = found
	return q, nil
}

// scaled chooses an activation's scale. What only moves values keeps that of its
// input, so that nothing is rounded twice. That of a Clip ends within the Clip's own
// range, so that saturating is the Clip, which runtimes leave out then.
func (q *Quantization) scaled(g *graph, name string, r [2]float64) QuantizedActivation {
	a := QuantizedActivation{Name: name}
	maker, made := g.makers[name]
	if made && slices.Contains(moving, maker.Op) {
		if before := q.Activation(maker.Inputs[0]); before != nil {
			a.Scale, a.ZeroPoint = before.Scale, before.ZeroPoint
			return a
		}
	}
	if r[0] < 0 {
		a.Scale, a.ZeroPoint = power(max(-r[0]/signedZero, r[1]/(255-signedZero))), signedZero
		return a
	}
	a.Scale = power(r[1] / 255)
	if made && maker.Op == "Clip" {
		if most := maker.Attributes.Float("max"); a.Scale*255 > most && most > 0 {
			a.Scale /= 2
		}
	}
	return a
}

// moving are the operators that make no values of their own.
var moving = []string{"MaxPool", "Flatten", "Reshape", "Slice", "Transpose", "Dropout"}

// power is the least power of two that is no less than a number; 1 for none.
func power(x float64) float64 {
	if !(x > 0) {
		return 1
	}
	fraction, exponent := math.Frexp(x)
	if fraction == 0.5 {
		exponent--
	}
	return math.Ldexp(1, max(-mostExponent, min(mostExponent, exponent)))
}

// mostExponent keeps products of scales within float32.
const mostExponent = 40
