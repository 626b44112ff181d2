package zoo

import (
	"fmt"

	"github.com/dlbench/dlbench/workloads/network"
)

// mobileNetV1 is Howard et al. 2017 ("MobileNets: efficient convolutional neural
// networks for mobile vision applications", table 1): depthwise and pointwise
// convolutions in turn, each with a batch norm and a rectifier.
func mobileNetV1(e Entry, batch, size int) (*network.Network, error) {
	b := newBuilder(e, batch, size)
	unit := func(name, x string, out, kernel, stride, group int) string {
		x = b.convolve(name, x, out, square(kernel, stride, kernel/2), group, false)
		return b.relu(name+".relu", b.batchNorm(name+".bn", x))
	}
	x := unit("conv1", "input", 32, 3, 2, 1)
	for i, l := range []struct{ out, stride int }{
		{64, 1}, {128, 2}, {128, 1}, {256, 2}, {256, 1}, {512, 2}, {512, 1}, {512, 1}, {512, 1}, {512, 1}, {512, 1}, {1024, 2}, {1024, 1},
	} {
		in := b.channels[x]
		x = unit(fmt.Sprintf("conv_dw_%d", i+1), x, in, 3, l.stride, in)
		x = unit(fmt.Sprintf("conv_pw_%d", i+1), x, l.out, 1, 1, 1)
	}
	b.pooledLogits("fc", x, e.Classes)
	return b.done()
}

// unit is a convolution that keeps the size but for its stride, a batch norm
// named beside it, and an activation.
func (b *builder) unit(name, x string, out, kernel, stride, group int, activation func(name, x string) string) string {
	x = b.convolve(name+".0", x, out, square(kernel, stride, kernel/2), group, false)
	x = b.batchNorm(name+".1", x)
	if activation == nil {
		return x
	}
	return activation(name+".2", x)
}

// mobileNetV2 is Sandler et al. 2018 ("MobileNetV2: inverted residuals and
// linear bottlenecks", table 2). Names are torchvision's.
func mobileNetV2(e Entry, batch, size int) (*network.Network, error) {
	b := newBuilder(e, batch, size)
	next := layers("features")
	x := b.unit(next(), "input", 32, 3, 2, 1, b.relu6)
	for _, s := range []struct{ expansion, out, repeats, stride int }{
		{1, 16, 1, 1}, {6, 24, 2, 2}, {6, 32, 3, 2}, {6, 64, 4, 2}, {6, 96, 3, 1}, {6, 160, 3, 2}, {6, 320, 1, 1},
	} {
		for i := range s.repeats {
			stride := s.stride
			if i > 0 {
				stride = 1
			}
			x = b.invertedResidual(next(), x, s.expansion, s.out, stride)
		}
	}
	x = b.unit(next(), x, 1280, 1, 1, 1, b.relu6)
	x = b.flatten("flatten", b.globalAveragePool("avgpool", x), 1)
	b.logits("classifier.1", b.dropout("classifier.0", x, 0.2), e.Classes)
	return b.done()
}

func (b *builder) invertedResidual(name, x string, expansion, out, stride int) string {
	in, y, next := b.channels[x], x, layers(name+".conv")
	if expansion > 1 {
		y = b.unit(next(), y, expansion*in, 1, 1, 1, b.relu6)
	}
	y = b.unit(next(), y, expansion*in, 3, stride, expansion*in, b.relu6)
	residual := stride == 1 && in == out
	y = b.convolve(next(), y, out, square(1, 1, 0), 1, false)
	y = b.batchNorm(next(), y)
	if !residual {
		return y
	}
	return b.add(name+".add", x, y)
}

// mobileNetV3 is the large network of Howard et al. 2019 ("Searching for
// MobileNetV3", table 1). Names are torchvision's.
func mobileNetV3(e Entry, batch, size int) (*network.Network, error) {
	b := newBuilder(e, batch, size)
	b.epsilon, b.momentum = 1e-3, 0.99
	next := layers("features")
	x := b.unit(next(), "input", 16, 3, 2, 1, b.hardSwish)
	relu, swish := b.relu, b.hardSwish
	for _, l := range []struct {
		kernel, expanded, out int
		gated                 bool
		activation            func(name, x string) string
		stride                int
	}{
		{3, 16, 16, false, relu, 1}, {3, 64, 24, false, relu, 2}, {3, 72, 24, false, relu, 1},
		{5, 72, 40, true, relu, 2}, {5, 120, 40, true, relu, 1}, {5, 120, 40, true, relu, 1},
		{3, 240, 80, false, swish, 2}, {3, 200, 80, false, swish, 1}, {3, 184, 80, false, swish, 1}, {3, 184, 80, false, swish, 1},
		{3, 480, 112, true, swish, 1}, {3, 672, 112, true, swish, 1},
		{5, 672, 160, true, swish, 2}, {5, 960, 160, true, swish, 1}, {5, 960, 160, true, swish, 1},
	} {
		name := next()
		part, in, y := layers(name+".block"), b.channels[x], x
		if l.expanded != in {
			y = b.unit(part(), y, l.expanded, 1, 1, 1, l.activation)
		}
		y = b.unit(part(), y, l.expanded, l.kernel, l.stride, l.expanded, l.activation)
		if l.gated {
			y = b.gate(part(), y, divisible(l.expanded/4), b.relu, b.hardSigmoid)
		}
		residual := l.stride == 1 && in == l.out
		y = b.unit(part(), y, l.out, 1, 1, 1, nil)
		if residual {
			y = b.add(name+".add", x, y)
		}
		x = y
	}
	x = b.unit(next(), x, 960, 1, 1, 1, b.hardSwish)
	x = b.flatten("flatten", b.globalAveragePool("avgpool", x), 1)
	x = b.hardSwish("classifier.1", b.dense("classifier.0", x, 1280))
	b.logits("classifier.3", b.dropout("classifier.2", x, 0.2), e.Classes)
	return b.done()
}

// divisible rounds to a multiple of eight, and never down by more than a tenth.
func divisible(v int) int {
	rounded := max(8, (v+4)/8*8)
	if rounded*10 < v*9 {
		rounded += 8
	}
	return rounded
}
