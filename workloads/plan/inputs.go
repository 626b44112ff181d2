package plan

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"math"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/tensors"
)

// Inputs say which images a plan's batches are made of, if they are not
// generated from its seed.
type Inputs struct {
	Source  string   `json:"source"`            // "images", "slices" or "volumes"
	Formats []string `json:"formats,omitempty"` // of the files of slices and volumes
	SHA256  string   `json:"sha256"`            // of all names and bytes
	Images  int      `json:"images"`            // or slices, or volumes
	Classes int      `json:"classes"`           // labels are below this
	Masks   int      `json:"masks,omitempty"`   // classes of the masks that label every pixel; drawn from the seed if absent
}

// Images are a person's own inputs.
type Images interface {
	Len() int
	Label(i int) int64
	// Fill makes image i an input of a shape [C H W] or [C D H W].
	Fill(i int, shape []int, out []float32) error
	// Mask makes the labels of its pixels, [H W] or [D H W], if it has a mask.
	Mask(i int, shape []int, out []int64) error
}

// TakeImages gives the plan images for its batches, with their digest and the
// number of their classes. They are asked for when the batches are written.
func (p *Plan) TakeImages(in Inputs, images Images) error {
	in.Images = images.Len()
	if in.Classes > p.mostFolders() {
		return fmt.Errorf("workload %s: the images have %d classes, the network's output has %d: give a directory with at most as many folders", p.Workload, in.Classes, p.Classes)
	}
	if in.Masks > p.Classes {
		return fmt.Errorf("workload %s: the masks have classes from 0 to %d, the network's output has %d", p.Workload, in.Masks-1, p.Classes)
	}
	p.Inputs, p.images = &in, images
	return nil
}

// mostFolders is how many classes images may have. For a network that labels every
// pixel folders say nothing, so that there may be as many as there are.
func (p *Plan) mostFolders() int {
	if p.OfPixels() {
		return math.MaxInt
	}
	return p.Classes
}

// sources are what batches can be made of.
var sources = []string{"images", "slices", "volumes"}

func (p *Plan) checkInputs() error {
	in := p.Inputs
	if in == nil {
		return nil
	}
	if most := p.mostFolders(); !slices.Contains(sources, in.Source) || in.Images < 1 || in.Classes < 1 || in.Classes > most {
		return fmt.Errorf("inputs: expected one of the sources %q, at least one image, and 1 to %d classes", sources, most)
	}
	if in.Masks < 0 || in.Masks > p.Classes || in.Masks > 0 && !p.OfPixels() {
		return fmt.Errorf("inputs: masks have %d classes, expected at most %d, and none unless every pixel has a label", in.Masks, p.Classes)
	}
	if digest, err := hex.DecodeString(in.SHA256); err != nil || len(digest) != 32 {
		return fmt.Errorf("inputs: sha256 is %q, expected 64 hexadecimal digits", in.SHA256)
	}
	return nil
}

// shuffled is the order in which a slot takes the images: by the seed, so that a
// small batch has more than the first folder, and each slot others. When all were
// taken it begins again.
func (p *Plan) shuffled(slot int) []int {
	s := p.stream(fmt.Sprintf("images/%d", slot))
	order := make([]int, p.Inputs.Images)
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(s.Bits(uint64(a)), s.Bits(uint64(b))) })
	return order
}

// imagePieces makes a slot's inputs, so many elements at once: some whole images.
func (p *Plan) imagePieces(slot int) (int, func(first int, out []float32) error) {
	if p.images == nil {
		return 0, func(int, []float32) error {
			return fmt.Errorf("its inputs are images, which were not read")
		}
	}
	shape := p.Network.Input.Shape
	size := int(network.Elements(shape[1:]))
	order := p.shuffled(slot)
	return size * max(1, tensors.PieceElements/size), func(first int, out []float32) error {
		var group errgroup.Group
		group.SetLimit(runtime.GOMAXPROCS(0))
		for at := 0; at < len(out); at += size {
			group.Go(func() error {
				return p.images.Fill(order[(first+at)/size%len(order)], shape[1:], out[at:at+size])
			})
		}
		return group.Wait()
	}
}

// imageLabels are the folders of a slot's images.
func (p *Plan) imageLabels(slot int) []int64 {
	labels := make([]int64, p.Batch)
	if p.images == nil {
		return labels // nobody computes with them: writing the inputs failed before
	}
	order := p.shuffled(slot)
	for i := range labels {
		labels[i] = p.images.Label(order[i%len(order)])
	}
	return labels
}

// maskLabels are those of the pixels of a slot's images.
func (p *Plan) maskLabels(slot int) ([]int64, error) {
	shape := p.labelShape()
	size := int(network.Elements(shape[1:]))
	labels := make([]int64, shape[0]*size)
	if p.images == nil {
		return labels, fmt.Errorf("its labels are masks, which were not read")
	}
	order := p.shuffled(slot)
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range p.Batch {
		group.Go(func() error {
			return p.images.Mask(order[i%len(order)], shape[1:], labels[i*size:(i+1)*size])
		})
	}
	return labels, group.Wait()
}
