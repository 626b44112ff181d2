// Package plan turns a workload into what a runner gets: plan.json,
// weights.safetensors and batch.safetensors.
package plan

import "github.com/dlbench/dlbench/workloads/network"

// SchemaVersion is the version of plan.json.
const SchemaVersion = 1

// Mode says what one iteration does.
type Mode string

// The modes of a workload.
const (
	Infer Mode = "infer"
	Train Mode = "train"
)

// Plan is plan.json: everything a runner has to know to compute the same thing.
type Plan struct {
	SchemaVersion int             `json:"schema_version"`
	Workload      string          `json:"workload"` // like "resnet50/infer/b8/fp32"
	Mode          Mode            `json:"mode"`
	Batch         int             `json:"batch"`
	Precision     string          `json:"precision"` // "fp32", "tf32", "bf16", "fp16", "int8": of the computing; files are float32 in each
	Seed          uint64          `json:"seed"`
	Slots         int             `json:"slots"` // batch.safetensors holds input.0 … input.<Slots-1> and labels.0 …; iteration i uses slot i mod Slots
	Classes       int             `json:"classes"`
	Weights       *Weights        `json:"weights,omitempty"` // of a file; drawn from the seed if absent
	Inputs        *Inputs         `json:"inputs,omitempty"`  // of images; drawn from the seed if absent
	Network       network.Network `json:"network"`
	Training      *Training       `json:"training,omitempty"`     // mode train only
	Quantization  *Quantization   `json:"quantization,omitempty"` // int8 only

	values func(parameter string) ([]float32, error) // of Weights, or of what is folded; drawn if absent
	images Images                                    // of Inputs
}

// Training states what ONNX leaves open.
type Training struct {
	Loss          string    `json:"loss"`           // one of network.Losses
	Reduction     string    `json:"reduction"`      // "mean" over all labels
	Dice          *Dice     `json:"dice,omitempty"` // of the loss that has it
	Optimizer     Optimizer `json:"optimizer"`      //
	Dropout       string    `json:"dropout"`        // "off"
	InputGradient bool      `json:"input_gradient"` // verify writes grad.input too (operator cases)
}

// Dice says how the loss of that name sums: with p the softmax over the classes and
// g 1 for a pixel's own class, (2·Σ p·g + smooth) / (Σ p + Σ g + smooth) of each
// class but the first, the sums over the pixels of an image, or of the batch. The
// loss is the cross-entropy less the mean of these.
type Dice struct {
	Smooth float64 `json:"smooth"`
	Batch  bool    `json:"batch"`
}

// Optimizer is SGD with Nesterov momentum, velocity zero at the start:
// v ← m·v + g; p ← p − rate·(g + m·v).
type Optimizer struct {
	Name         string  `json:"name"` // "sgd"
	LearningRate float64 `json:"learning_rate"`
	Momentum     float64 `json:"momentum"`
	Nesterov     bool    `json:"nesterov"`
	WeightDecay  float64 `json:"weight_decay"`
}
