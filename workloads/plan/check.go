package plan

import (
	"fmt"
	"math"
	"slices"

	"github.com/dlbench/dlbench/workloads/network"
)

// The bounds of a plan that came from a file; batches beyond them would be
// gigabytes by mistake.
const (
	mostSlots = 64
	mostBatch = 999_999
)

// Check makes sure that a plan means one thing; it checks the network too, and
// fills its shapes.
func (p *Plan) Check() error {
	if err := p.Network.Check(); err != nil {
		return err
	}
	if p.SchemaVersion != SchemaVersion {
		return fmt.Errorf("schema_version is %d, this dlbench reads %d", p.SchemaVersion, SchemaVersion)
	}
	if p.Workload == "" {
		return fmt.Errorf("workload: the plan has no name")
	}
	if p.Mode != Infer && p.Mode != Train {
		return fmt.Errorf("mode is %q, expected %q or %q", p.Mode, Infer, Train)
	}
	if !slices.Contains(precisions, p.Precision) {
		return fmt.Errorf("precision is %q, expected one of %q", p.Precision, precisions)
	}
	if p.Batch != p.Network.Input.Shape[0] || p.Batch > mostBatch {
		return fmt.Errorf("batch is %d, expected the %d of the network's input and at most %d", p.Batch, p.Network.Input.Shape[0], mostBatch)
	}
	if p.Slots < 1 || p.Slots > mostSlots {
		return fmt.Errorf("slots is %d, expected 1 to %d", p.Slots, mostSlots)
	}
	if name := p.Network.Outputs[0]; name != "logits" {
		return fmt.Errorf("the network's first output is %q, expected \"logits\"", name)
	}
	if shape := p.Logits(); len(shape) < 2 || len(shape) == 3 || shape[1] != p.Classes {
		return fmt.Errorf("classes is %d, the logits are %v", p.Classes, shape)
	}
	if err := p.checkWeights(); err != nil {
		return err
	}
	if err := p.checkInputs(); err != nil {
		return err
	}
	if err := p.checkTraining(); err != nil {
		return err
	}
	return p.checkQuantization()
}

func (p *Plan) checkTraining() error {
	t := p.Training
	if (p.Mode == Train) != (t != nil) {
		return fmt.Errorf("mode %s and the field training do not go together", p.Mode)
	}
	if t == nil {
		return nil
	}
	for _, field := range []struct{ name, got, want string }{
		{"reduction", t.Reduction, "mean"},
		{"dropout", t.Dropout, "off"},
		{"optimizer.name", t.Optimizer.Name, "sgd"},
	} {
		if field.got != field.want {
			return fmt.Errorf("training.%s is %q, expected %q", field.name, field.got, field.want)
		}
	}
	if err := p.checkLoss(); err != nil {
		return err
	}
	o := t.Optimizer
	if !(o.LearningRate > 0) || math.IsInf(o.LearningRate, 0) {
		return fmt.Errorf("training.optimizer.learning_rate is %v, expected a number above 0", o.LearningRate)
	}
	if !(o.Momentum >= 0 && o.Momentum < 1) {
		return fmt.Errorf("training.optimizer.momentum is %v, expected 0 to below 1", o.Momentum)
	}
	// Every framework has Nesterov's form, and all agree on it; without it, or
	// with decay, they differ.
	if !o.Nesterov || o.WeightDecay != 0 {
		return fmt.Errorf("training.optimizer: expected nesterov true and weight_decay 0")
	}
	return nil
}

func (p *Plan) checkLoss() error {
	t, pixels := p.Training, p.OfPixels()
	switch {
	case !slices.Contains(network.Losses(), t.Loss):
		return fmt.Errorf("training.loss is %q, expected one of %q", t.Loss, network.Losses())
	case t.Loss == network.SigmoidCrossEntropy && pixels:
		return fmt.Errorf("training.loss is %q, which is of images, and the logits are %v", t.Loss, p.Logits())
	case t.Loss == network.DiceCrossEntropy && (!pixels || p.Classes < 2):
		return fmt.Errorf("training.loss is %q, which is of pixels with a background and other classes, and the logits are %v", t.Loss, p.Logits())
	case (t.Loss == network.DiceCrossEntropy) != (t.Dice != nil):
		return fmt.Errorf("training.loss %q and the field training.dice do not go together", t.Loss)
	case t.Dice != nil && (!(t.Dice.Smooth > 0) || math.IsInf(t.Dice.Smooth, 0)):
		return fmt.Errorf("training.dice.smooth is %v, expected a number above 0", t.Dice.Smooth)
	}
	return nil
}
