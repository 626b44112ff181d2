package plan

import (
	"fmt"

	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/tensors"
)

// stream separates the generators of networks from one another. The batch and
// the input's size are not part of the name: the weights are the same for all.
func (p *Plan) stream(name string) tensors.Stream {
	return tensors.NewStream(p.Seed, p.Network.Name+"/"+name)
}

func (p *Plan) writeWeights(path string) (string, error) {
	var all []tensors.Tensor
	for _, param := range p.Network.Parameters {
		t := tensors.Tensor{Name: param.Name, Shape: param.Shape}
		if p.drawn() {
			t.Pieces = pieces(drawn(p.stream("parameter/"+param.Name), param))
		} else {
			t.Floats = func() ([]float32, error) { return p.Values(param.Name) }
		}
		all = append(all, t)
	}
	return tensors.Write(path, all)
}

// pieces makes a tensor of its elements, each by itself.
func pieces(element func(i uint64) float32) func(first int, out []float32) error {
	return func(first int, out []float32) error {
		tensors.FillFrom(first, out, element)
		return nil
	}
}

func draw(s tensors.Stream, p network.Parameter) []float32 {
	return tensors.Fill(int(network.Elements(p.Shape)), drawn(s, p))
}

// drawn makes a parameter's elements.
func drawn(s tensors.Stream, p network.Parameter) func(i uint64) float32 {
	if p.Init.Kind == "uniform" {
		return func(i uint64) float32 { return s.Uniform(i, p.Init.Low, p.Init.High) }
	}
	return func(i uint64) float32 { return s.Normal(i, p.Init.Mean, p.Init.Std) }
}

// drawnInput makes the elements of a slot's inputs.
func (p *Plan) drawnInput(slot int) func(i uint64) float32 {
	s := p.stream(fmt.Sprintf("input/%d", slot))
	return func(i uint64) float32 { return s.Normal(i, 0, 1) }
}

// writeBatch makes image i of a slot from only the slot and i, so that a
// larger batch begins with the images of a smaller one.
func (p *Plan) writeBatch(path string) (string, error) {
	shape := p.Network.Input.Shape
	var all []tensors.Tensor
	for slot := range p.Slots {
		input := tensors.Tensor{Name: fmt.Sprintf("input.%d", slot), Shape: shape}
		if p.Inputs != nil {
			input.Piece, input.Pieces = p.imagePieces(slot)
		} else {
			input.Pieces = pieces(p.drawnInput(slot))
		}
		all = append(all, input, p.labels(slot))
	}
	return tensors.Write(path, all)
}
