package plan

import (
	"fmt"

	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/tensors"
)

// labelShape is that of a slot's labels: one for each image, for each of its
// pixels, or for each of its classes.
func (p *Plan) labelShape() []int {
	logits := p.Logits()
	if p.severalLabels() {
		return logits
	}
	return append([]int{p.Batch}, logits[2:]...)
}

// OfPixels says that every pixel has a label: the logits are an image again.
func (p *Plan) OfPixels() bool { return len(p.Logits()) > 2 }

// severalLabels says that an image has or has not each of the classes.
func (p *Plan) severalLabels() bool {
	return p.Training != nil && p.Training.Loss == network.SigmoidCrossEntropy
}

// labelBytes are those of all slots in the batch file.
func (p *Plan) labelBytes() int64 {
	size := int64(8) // int64
	if p.severalLabels() {
		size = 4 // float32
	}
	return int64(p.Slots) * network.Elements(p.labelShape()) * size
}

// labels are a slot's, as the batch file has them.
func (p *Plan) labels(slot int) tensors.Tensor {
	t := tensors.Tensor{Name: fmt.Sprintf("labels.%d", slot), Shape: p.labelShape()}
	switch {
	case p.severalLabels():
		t.Floats = func() ([]float32, error) { return p.Findings(slot), nil }
	case p.Inputs != nil && p.Inputs.Masks > 0:
		t.Ints = func() ([]int64, error) { return p.maskLabels(slot) }
	default:
		t.Ints = func() ([]int64, error) { return p.Labels(slot), nil }
	}
	return t
}

// Labels are the classes of a slot's images, or of their pixels.
func (p *Plan) Labels(slot int) []int64 {
	shape := p.labelShape()
	if p.severalLabels() {
		shape = shape[:1]
	}
	if p.Inputs != nil && len(shape) == 1 {
		return p.imageLabels(slot)
	}
	if p.Inputs != nil && p.Inputs.Masks > 0 {
		labels, _ := p.maskLabels(slot) // nobody computes with them if they cannot be read: no file is written
		return labels
	}
	s := p.stream(fmt.Sprintf("labels/%d", slot))
	labels := make([]int64, network.Elements(shape))
	for i := range labels {
		labels[i] = s.Below(uint64(i), p.Classes)
	}
	return labels
}

// Findings say 1 of each class that a slot's images have, and 0 of the others. An
// image of a folder has that folder's.
func (p *Plan) Findings(slot int) []float32 {
	found := make([]float32, p.Batch*p.Classes)
	if p.Inputs != nil {
		for i, class := range p.imageLabels(slot) {
			found[i*p.Classes+int(class)] = 1
		}
		return found
	}
	s := p.stream(fmt.Sprintf("findings/%d", slot))
	for i := range found {
		found[i] = float32(s.Below(uint64(i), 2))
	}
	return found
}
