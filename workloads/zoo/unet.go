package zoo

import (
	"fmt"

	"github.com/dlbench/dlbench/workloads/network"
)

// uNet is Ronneberger et al. 2015, "U-Net: convolutional networks for biomedical
// image segmentation", padded so that the output has the input's size, and with
// batch norms, as it is used today: github.com/milesial/Pytorch-UNet, which has
// the names and 31,036,546 parameters for one channel and two classes; with resized
// by bilinear interpolation instead of transposed convolutions 17,261,890.
func uNet(resized bool) func(Entry, int, int) (*network.Network, error) {
	return func(e Entry, batch, size int) (*network.Network, error) {
		b := newBuilder(e, batch, size)
		deepest := 1024
		if resized {
			deepest = 512
		}
		skips := []string{b.convTwice("inc", "input", 64, 64)}
		x := skips[0]
		for level, width := range []int{128, 256, 512, deepest} {
			name := fmt.Sprintf("down%d", level+1)
			x = b.convTwice(name, b.maxPool(name+".pool", x, 2, 2, 0), width, width)
			skips = append(skips, x)
		}
		for level := range 4 {
			name, skip := fmt.Sprintf("up%d", level+1), skips[3-level]
			width := b.channels[skip]
			if !resized {
				x = b.convTwice(name, b.concat(name+".concat", skip, b.up(name+".up", x, width)), width, width)
				continue
			}
			x = b.concat(name+".concat", skip, b.double(name+".up", x))
			narrow := width / 2
			if level == 3 {
				narrow = width
			}
			x = b.convTwice(name, x, b.channels[x]/2, narrow)
		}
		b.pixelLogits("outc", x, e.Classes)
		return b.done()
	}
}

// convTwice is two convolutions of 3 in each direction, each with a batch norm
// and a rectifier.
func (b *builder) convTwice(name, x string, first, second int) string {
	for k, width := range []int{first, second} {
		at := func(part string) string { return fmt.Sprintf("%s.%s%d", name, part, k+1) }
		x = b.relu(at("relu"), b.batchNorm(at("bn"), b.conv(at("conv"), x, width, 3, 1, 1)))
	}
	return x
}

// uNet3D is Çiçek et al. 2016, "3D U-Net: learning dense volumetric segmentation
// from sparse annotation", padded: half of a level's channels come before its
// last convolution, and the way up keeps all channels of the level below. The paper
// counts 19,069,955 parameters for three channels and three classes, without those
// of batch norms: so many there are if convolutions have a bias and transposed ones
// have none.
func uNet3D(e Entry, batch, size int) (*network.Network, error) {
	b := newBuilder(e, batch, size)
	b.convolutionBias = true
	x := "input"
	var skips []string
	for level, width := range []int{64, 128, 256, 512} {
		name := fmt.Sprintf("down%d", level+1)
		if level > 0 {
			x = b.maxPool(name+".pool", x, 2, 2, 0)
		}
		x = b.convTwice(name, x, width/2, width)
		skips = append(skips, x)
	}
	for level := range 3 {
		name, skip := fmt.Sprintf("up%d", level+1), skips[2-level]
		width := b.channels[skip]
		x = b.concat(name+".concat", skip, b.upConvolve(name+".up", x, b.channels[x], false))
		x = b.convTwice(name, x, width, width)
	}
	b.pixelLogits("outc", x, e.Classes)
	return b.done()
}

// nnUNet is the network that nnU-Net plans for images (Isensee et al. 2021,
// "nnU-Net: a self-configuring method for deep learning-based biomedical image
// segmentation"; PlainConvUNet of dynamic-network-architectures): instance norms,
// leaky rectifiers, strided convolutions on the way down, transposed ones as wide
// as their stride on the way up. Of its outputs at several sizes, which are for
// training, it has the whole one.
func nnUNet(widths ...int) func(Entry, int, int) (*network.Network, error) {
	return func(e Entry, batch, size int) (*network.Network, error) {
		b := newBuilder(e, batch, size)
		x := "input"
		var skips []string
		for stage, width := range widths {
			stride := 2
			if stage == 0 {
				stride = 1
			}
			x = b.instanceTwice(fmt.Sprintf("encoder.%d", stage), x, width, stride)
			skips = append(skips, x)
		}
		for stage := range len(widths) - 1 {
			skip := skips[len(widths)-2-stage]
			width := b.channels[skip]
			up := b.up(fmt.Sprintf("decoder.transpconvs.%d", stage), x, width)
			name := fmt.Sprintf("decoder.stages.%d", stage)
			x = b.instanceTwice(name, b.concat(name+".concat", up, skip), width, 1)
		}
		b.pixelLogits("decoder.seg_layer", x, e.Classes)
		return b.done()
	}
}

// instanceTwice is two convolutions with a bias, the first in steps of stride,
// each with an instance norm and a leaky rectifier.
func (b *builder) instanceTwice(name, x string, width, stride int) string {
	for k, step := range []int{stride, 1} {
		at := func(part string) string { return fmt.Sprintf("%s.convs.%d.%s", name, k, part) }
		x = b.instanceNorm(at("norm"), b.convBias(at("conv"), x, width, 3, step, 1))
		x = b.pointwise(at("nonlin"), "LeakyRelu", x, network.Attributes{"alpha": 0.01})
	}
	return x
}
