package plan

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"math"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

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
}

// Images are a person's own inputs.
type Images interface {
	Len() int
	Label(i int) int64
	// Fill makes image i an input of a shape [C H W] or [C D H W].
	Fill(i int, shape []int, out []float32) error
}

// TakeImages gives the plan images for its batches, with their digest and the
// number of their classes. They are asked for when the batches are written.
func (p *Plan) TakeImages(in Inputs, images Images) error {
	in.Images = images.Len()
	if in.Classes > p.mostFolders() {
		return fmt.Errorf("workload %s: the images have %d classes, the network's output has %d: give a directory with at most as many folders", p.Workload, in.Classes, p.Classes)
	}
	p.Inputs, p.images = &in, images
	return nil
}

// mostFolders is how many classes images may have. For a network that labels every
// pixel folders say nothing, so that there may be as many as there are.
func (p *Plan) mostFolders() int {
	if len(p.labelShape()) > 1 && !p.severalLabels() {
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
	size := int(bytesOf(shape[1:]) / 4) // of float32
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
