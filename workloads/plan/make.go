package plan

import (
	"fmt"

	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/zoo"
)

// slots is how many batches iterations alternate between, so that an output
// that is handed out again is not the right one.
const slots = 2

// New makes the plan of a workload.
func New(id ID, seed uint64) (*Plan, error) {
	entry, err := zoo.Get(id.Network)
	if err != nil {
		return nil, err
	}
	net, err := entry.Build(id.Batch)
	if err != nil {
		return nil, err
	}
	return From(net, id, seed, entry.LearningRate), nil
}

// From makes a plan of any checked network; id.Network is taken as its name.
func From(net *network.Network, id ID, seed uint64, learningRate float64) *Plan {
	p := &Plan{
		SchemaVersion: SchemaVersion, Workload: id.String(), Mode: id.Mode, Batch: id.Batch, Precision: id.Precision,
		Seed: seed, Slots: slots, Classes: net.Nodes[len(net.Nodes)-1].Shape[1], Network: *net,
	}
	if id.Mode == Train {
		p.Training = &Training{
			Loss: "softmax_cross_entropy", Reduction: "mean", Dropout: "off",
			Optimizer: Optimizer{Name: "sgd", LearningRate: learningRate, Momentum: 0.9, Nesterov: true},
		}
	}
	return p
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
	size := entry.Size
	if id.Mode == Infer {
		id.Batch = min(id.Batch, parityInferBatch)
	} else {
		id.Batch = min(id.Batch, entry.ParityBatch)
		size = entry.ParitySize
	}
	net, err := entry.BuildAt(id.Batch, size)
	if err != nil {
		return nil, fmt.Errorf("parity plan: %w", err)
	}
	return From(net, id, seed, entry.LearningRate), nil
}

const parityInferBatch = 2
