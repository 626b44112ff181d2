package plan

import (
	"fmt"

	"github.com/dustin/go-humanize"
	"github.com/shirou/gopsutil/v3/mem"

	"github.com/dlbench/dlbench/workloads/network"
)

// Size is what a workload takes in memory at the least, in bytes, whatever the
// framework.
type Size struct {
	Inputs      int64 // all slots' images
	Weights     int64 // and their gradients and velocities while training
	Activations int64 // the largest in inference, all while training, whose backward pass reads them
}

// Total is their sum.
func (s Size) Total() int64 { return s.Inputs + s.Weights + s.Activations }

// TooLargeError refuses a workload that cannot fit into this machine.
type TooLargeError struct {
	Workload string
	Batch    int
	Size     Size
	Memory   int64 // bytes that the machine has
}

func (e *TooLargeError) Error() string {
	bytes := func(n int64) string { return humanize.Bytes(uint64(n)) }
	return fmt.Sprintf("workload %s: batch %d cannot fit: inputs %s, weights %s and activations of at least %s, %s of memory here; ask for a smaller batch",
		e.Workload, e.Batch, bytes(e.Size.Inputs), bytes(e.Size.Weights), bytes(e.Size.Activations), bytes(e.Memory))
}

// Size counts what the plan takes.
func (p *Plan) Size() Size {
	s := Size{Inputs: int64(p.Slots) * bytesOf(p.Network.Input.Shape)}
	for _, param := range p.Network.Parameters {
		n := bytesOf(param.Shape)
		if p.Mode == Train && param.Role == network.Trainable {
			n *= 3
		}
		s.Weights += n
	}
	for _, n := range p.Network.Nodes {
		if p.Mode == Train && keeps(n.Op) {
			s.Activations += bytesOf(n.Shape)
		} else {
			s.Activations = max(s.Activations, bytesOf(n.Shape))
		}
	}
	return s
}

// parameterBytes are those of the weights' file.
func (p *Plan) parameterBytes() int64 {
	var n int64
	for _, param := range p.Network.Parameters {
		n += bytesOf(param.Shape)
	}
	return n
}

// keeps says whether a backward pass needs what an operator makes: of
// convolutions it does, as the input of what follows them. All others may work
// in place, or be made again.
func keeps(op string) bool { return op == "Conv" || op == "ConvTranspose" || op == "Gemm" }

func bytesOf(shape []int) int64 { return 4 * network.Elements(shape) }

// Fits refuses a plan that takes more than so many bytes of memory.
func (p *Plan) Fits(memory int64) error {
	if s := p.Size(); s.Total() > memory {
		return &TooLargeError{Workload: p.Workload, Batch: p.Batch, Size: s, Memory: memory}
	}
	return nil
}

// FitsHere refuses a plan that this machine cannot hold. What a machine does not
// tell refuses nothing.
func (p *Plan) FitsHere() error {
	memory, err := mem.VirtualMemory()
	if err != nil || memory.Total == 0 {
		return nil
	}
	return p.Fits(int64(memory.Total))
}
