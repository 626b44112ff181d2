package zoo

import (
	"fmt"

	"github.com/dlbench/dlbench/workloads/network"
)

// efficientNet is B0 of Tan and Le 2019 ("EfficientNet: rethinking model scaling
// for convolutional neural networks", table 1). Names are torchvision's.
func efficientNet(e Entry, batch, size int) (*network.Network, error) {
	b := newBuilder(e, batch, size)
	x := b.unit("features.0", "input", 32, 3, 2, 1, b.silu)
	for stage, s := range []struct{ expansion, kernel, stride, out, repeats int }{
		{1, 3, 1, 16, 1}, {6, 3, 2, 24, 2}, {6, 5, 2, 40, 2}, {6, 3, 2, 80, 3}, {6, 5, 1, 112, 3}, {6, 5, 2, 192, 4}, {6, 3, 1, 320, 1},
	} {
		for i := range s.repeats {
			stride := s.stride
			if i > 0 {
				stride = 1
			}
			x = b.mbConv(fmt.Sprintf("features.%d.%d", stage+1, i), x, s.expansion, s.kernel, stride, s.out)
		}
	}
	x = b.unit("features.8", x, 1280, 1, 1, 1, b.silu)
	x = b.flatten("flatten", b.globalAveragePool("avgpool", x), 1)
	b.logits("classifier.1", b.dropout("classifier.0", x, 0.2), e.Classes)
	return b.done()
}

// mbConv is an inverted residual with a gate that is squeezed to a quarter of
// the block's input. Stochastic depth is off, as dropout is.
func (b *builder) mbConv(name, x string, expansion, kernel, stride, out int) string {
	in, y, part := b.channels[x], x, layers(name+".block")
	wide := expansion * in
	if expansion > 1 {
		y = b.unit(part(), y, wide, 1, 1, 1, b.silu)
	}
	y = b.unit(part(), y, wide, kernel, stride, wide, b.silu)
	y = b.gate(part(), y, max(1, in/4), b.silu, b.sigmoid)
	residual := stride == 1 && in == out
	y = b.unit(part(), y, out, 1, 1, 1, nil)
	if !residual {
		return y
	}
	return b.add(name+".add", x, y)
}
