package plan

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/dlbench/dlbench/workloads/initial"
	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/zoo"
)

// slots is how many batches iterations alternate between, so that an output
// that is handed out again is not the right one.
const slots = 2

// New makes the plan of a workload.
func New(id ID, seed uint64) (*Plan, error) {
	float := func(id ID) (*Plan, error) { return newFloat(id, seed) }
	return InPrecision(id, float, func(p *Plan) (Ranges, error) { return RangesOf(id, p, float) })
}

// InPrecision is a plan as float makes it; of int8 it is made of one in float32,
// which is quantised by its ranges.
func InPrecision(id ID, float func(id ID) (*Plan, error), ranges func(p *Plan) (Ranges, error)) (*Plan, error) {
	if !id.Quantized() {
		return float(id)
	}
	p, err := float(id.In(FP32))
	if err != nil {
		return nil, err
	}
	found, err := ranges(p)
	if err != nil {
		return nil, err
	}
	return p.Quantize(found)
}

// RangesOf calibrates the network of a plan in float32, of which float makes plans
// at other batches.
func RangesOf(id ID, p *Plan, float func(id ID) (*Plan, error)) (Ranges, error) {
	var err error
	if id.Batch, err = p.CalibrationBatch(); err != nil {
		return nil, err
	}
	calibrating, err := float(id.In(FP32))
	if err != nil {
		return nil, err
	}
	return calibrating.Ranges()
}

func newFloat(id ID, seed uint64) (*Plan, error) {
	entry, err := zoo.Get(id.Network)
	if err != nil {
		return nil, err
	}
	size := id.Size
	if size == 0 {
		size = entry.Size
	}
	net, err := entry.BuildAt(id.Batch, size)
	if err != nil {
		return nil, fmt.Errorf("workload %s: %w", id, err)
	}
	p := From(net, id, seed, cmp.Or(entry.LearningRate, initial.LearningRate(net)))
	p.TrainBy(entry.Loss, entry.DiceBatch)
	return p, nil
}

// smooth is nnU-Net's.
const smooth = 1e-5

// TrainBy sets the loss, if the plan trains and it is another than all have.
func (p *Plan) TrainBy(loss string, diceBatch bool) {
	if p.Training == nil || loss == "" {
		return
	}
	p.Training.Loss = loss
	if loss == network.DiceCrossEntropy {
		p.Training.Dice = &Dice{Smooth: smooth, Batch: diceBatch}
	}
}

// Needs lists what a runner must have to compute the plan: that of its nodes, and
// its loss.
func (p *Plan) Needs() []network.Need {
	needs := p.Network.Needs()
	if form := p.LossForm(); form != "" {
		needs = append(needs, network.Need{Operator: form})
	}
	if p.Quantization != nil {
		needs = append(needs, network.Need{Node: p.Network.Nodes[0].Name, Operator: network.FormQuantized})
	}
	return needs
}

// LossForm is what a runner must have for the loss beside the one that all have;
// empty if the plan does not train.
func (p *Plan) LossForm() string {
	if p.Training == nil {
		return ""
	}
	return network.LossForm(p.Training.Loss, p.Logits())
}

// From makes a plan of any checked network whose first output is [N classes], or
// has classes for every pixel, [N classes H W]; id.Network is taken as its name.
func From(net *network.Network, id ID, seed uint64, learningRate float64) *Plan {
	p := &Plan{
		SchemaVersion: SchemaVersion, Workload: id.WithoutThreads().String(), Mode: id.Mode, Batch: id.Batch, Precision: id.Precision,
		Seed: seed, Slots: slots, Network: *net,
	}
	if shape := p.Logits(); len(shape) > 1 {
		p.Classes = shape[1]
	}
	if id.Mode == Train {
		p.Training = &Training{
			Loss: network.SoftmaxCrossEntropy, Reduction: "mean", Dropout: "off",
			Optimizer: Optimizer{Name: "sgd", LearningRate: learningRate, Momentum: 0.9, Nesterov: true},
		}
	}
	return p
}

// Logits is the shape of the first output of a checked network.
func (p *Plan) Logits() []int {
	for _, node := range p.Network.Nodes {
		if node.Output == p.Network.Outputs[0] {
			return node.Shape
		}
	}
	return nil
}

// Forward is the same plan without training.
func (p *Plan) Forward() *Plan {
	if p.Mode == Infer {
		return p
	}
	other := *p
	other.Mode, other.Training = Infer, nil
	other.Workload = strings.Replace(p.Workload, "/"+string(Train)+"/", "/"+string(Infer)+"/", 1)
	return &other
}

// In is the same plan in another precision.
func (p *Plan) In(precision string) *Plan {
	if p.Precision == precision {
		return p
	}
	other := *p
	other.Precision = precision
	other.Workload = strings.TrimSuffix(p.Workload, "/"+p.Precision) + "/" + precision
	return &other
}

// Parity is the plan by which a workload's runner is verified in depth.
//
// Inference treats every image by itself, so the same network at its own size
// with a small batch says everything. Training couples the images of a batch,
// and a float64 step at 224×224 takes minutes with its noise runs: the networks
// for large images are verified at a smaller one.
func Parity(id ID, seed uint64) (*Plan, error) {
	entry, err := zoo.Get(id.Network)
	if err != nil {
		return nil, err
	}
	id.Batch = min(id.Batch, ParityBatch(id.Mode))
	if size := cmp.Or(entry.ParitySize, paritySize); id.Mode == Train && size < entry.Size {
		id.Size = size
	}
	p, err := New(id, seed)
	if err != nil {
		return nil, fmt.Errorf("parity plan: %w", err)
	}
	return p, nil
}

// paritySize is the input's size in parity plans of training, for networks whose
// own is larger and that say no other.
const paritySize = 96

// ParityBatch is how many images the batch of a parity plan has at most.
func ParityBatch(mode Mode) int {
	if mode == Train {
		return 8
	}
	return 2
}
