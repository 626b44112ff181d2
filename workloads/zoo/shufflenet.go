package zoo

import (
	"fmt"

	"github.com/dlbench/dlbench/workloads/network"
)

// shuffleNetV2 is the ×1.0 network of Ma et al. 2018 ("ShuffleNet V2: practical
// guidelines for efficient CNN architecture design", table 5). Names are
// torchvision's.
func shuffleNetV2(e Entry, batch, size int) (*network.Network, error) {
	b := newBuilder(e, batch, size)
	x := b.unit("conv1", "input", 24, 3, 2, 1, b.relu)
	x = b.maxPool("maxpool", x, 3, 2, 1)
	side := halved(halved(size)) // of the images in the next stage
	for stage, s := range []struct{ out, repeats int }{{116, 4}, {232, 8}, {464, 4}} {
		side = halved(side)
		for i := range s.repeats {
			name := fmt.Sprintf("stage%d.%d", stage+2, i)
			if i == 0 {
				x = b.shuffleDown(name, x, s.out)
			} else {
				x = b.shuffleUnit(name, x)
			}
			x = b.shuffle(name, x, side)
		}
	}
	x = b.unit("conv5", x, 1024, 1, 1, 1, b.relu)
	b.pooledLogits("fc", x, e.Classes)
	return b.done()
}

func halved(side int) int { return (side + 1) / 2 }

// shuffleUnit leaves one half of the channels as it is.
func (b *builder) shuffleUnit(name, x string) string {
	half := b.channels[x] / 2
	part := func(which string, start int) string {
		return b.node(name+"."+which, "Slice", network.Attributes{"axis": 1, "start": start, "end": start + half}, half, x)
	}
	left := part("left", 0)
	right := b.shuffleBranch(name+".branch2", part("right", half), half, 1)
	return b.concat(name+".concat", left, right)
}

// shuffleDown halves the resolution in two branches.
func (b *builder) shuffleDown(name, x string, out int) string {
	in, half := b.channels[x], out/2
	left := b.convolve(name+".branch1.0", x, in, square(3, 2, 1), in, false)
	left = b.batchNorm(name+".branch1.1", left)
	left = b.convolve(name+".branch1.2", left, half, square(1, 1, 0), 1, false)
	left = b.relu(name+".branch1.4", b.batchNorm(name+".branch1.3", left))
	return b.concat(name+".concat", left, b.shuffleBranch(name+".branch2", x, half, 2))
}

func (b *builder) shuffleBranch(name, x string, out, stride int) string {
	x = b.convolve(name+".0", x, out, square(1, 1, 0), 1, false)
	x = b.relu(name+".2", b.batchNorm(name+".1", x))
	x = b.convolve(name+".3", x, out, square(3, stride, 1), out, false)
	x = b.batchNorm(name+".4", x)
	x = b.convolve(name+".5", x, out, square(1, 1, 0), 1, false)
	return b.relu(name+".7", b.batchNorm(name+".6", x))
}

// shuffle takes the channels of two halves in turn.
func (b *builder) shuffle(name, x string, side int) string {
	c := b.channels[x]
	x = b.node(name+".apart", "Reshape", network.Attributes{"shape": []int{0, 2, c / 2, side, side}}, c, x)
	x = b.node(name+".turned", "Transpose", network.Attributes{"perm": []int{0, 2, 1, 3, 4}}, c, x)
	return b.node(name, "Reshape", network.Attributes{"shape": []int{0, c, side, side}}, c, x)
}
