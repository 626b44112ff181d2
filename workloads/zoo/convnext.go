package zoo

import (
	"fmt"

	"github.com/dlbench/dlbench/workloads/network"
)

// convNeXt is the tiny network of Liu et al. 2022 ("A ConvNet for the 2020s").
// Its dense layers along the channels are convolutions of 1×1, which are the
// same; its layer norms stand between two Transposes. Layer scales start at 0.1
// instead of 1e-6: a branch that is nothing shows no fault. Names are
// torchvision's, the shapes of its two dense layers apart.
func convNeXt(e Entry, batch, size int) (*network.Network, error) {
	b := newBuilder(e, batch, size)
	x := b.convBias("features.0.0", "input", 96, 4, 4, 0)
	x = b.layerNorm("features.0.1", x)
	for stage, depth := range []int{3, 3, 9, 3} {
		if stage > 0 {
			name := fmt.Sprintf("features.%d", 2*stage)
			x = b.convBias(name+".1", b.layerNorm(name+".0", x), 96<<stage, 2, 2, 0)
		}
		for i := range depth {
			x = b.convNeXtBlock(fmt.Sprintf("features.%d.%d", 2*stage+1, i), x)
		}
	}
	x = b.layerNorm("classifier.0", b.globalAveragePool("avgpool", x))
	b.logits("classifier.2", b.flatten("classifier.1", x, 1), e.Classes)
	return b.done()
}

func (b *builder) convNeXtBlock(name, x string) string {
	c := b.channels[x]
	y := b.convolve(name+".block.0", x, c, square(7, 1, 3), c, true)
	y = b.layerNorm(name+".block.2", y)
	y = b.convBias(name+".block.3", y, 4*c, 1, 1, 0)
	y = b.pointwise(name+".block.4", "Gelu", y, network.Attributes{"approximate": "none"})
	y = b.convBias(name+".block.5", y, c, 1, 1, 0)
	scale := b.parameter(name+".layer_scale", network.Trainable, c, 1, 1)
	y = b.node(name+".scaled", "Mul", nil, c, y, scale)
	return b.add(name+".add", y, x)
}

// layerNorm normalises each place over its channels.
func (b *builder) layerNorm(name, x string) string {
	c := b.channels[x]
	y := b.node(name+".last", "Transpose", network.Attributes{"perm": []int{0, 2, 3, 1}}, c, x)
	y = b.node(name, "LayerNormalization", network.Attributes{"axis": 3, "epsilon": 1e-6}, c, y,
		b.parameter(name+".weight", network.Trainable, c),
		b.parameter(name+".bias", network.Trainable, c))
	return b.node(name+".first", "Transpose", network.Attributes{"perm": []int{0, 3, 1, 2}}, c, y)
}
