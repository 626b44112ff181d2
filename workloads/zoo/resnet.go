package zoo

import (
	"fmt"

	"github.com/dlbench/dlbench/workloads/network"
)

// block appends one residual block and returns its output. Width is that of
// its 3×3 convolutions.
type block func(b *builder, name, x string, width, stride int) string

// resNet is the ImageNet family of He et al. 2016 ("Deep residual learning for
// image recognition"), in the variant known as v1.5: a bottleneck that halves
// the resolution does so in its 3×3 convolution. Of volumes it is that of Chen et
// al. 2019, "Med3D: transfer learning for 3D medical image analysis" (MedicalNet), as
// a classifier. All strides are along all axes (github.com/kenshohara/3D-ResNets-PyTorch
// with conv1_t_stride 2), instead of Med3D's dilations, which are for segmentation.
func resNet(block block, depths ...int) func(Entry, int, int) (*network.Network, error) {
	return func(e Entry, batch, size int) (*network.Network, error) {
		b := newBuilder(e, batch, size)
		x := b.conv("conv1", "input", 64, 7, 2, 3)
		x = b.relu("relu", b.batchNorm("bn1", x))
		x = b.maxPool("maxpool", x, 3, 2, 1)
		x = stages(b, x, block, 64, depths)
		x = b.flatten("flatten", b.globalAveragePool("avgpool", x), 1)
		b.logits("fc", x, e.Classes)
		return b.done()
	}
}

// cifarResNet is the family for 32×32 images (the same paper, section 4.2),
// with 1×1 projections if the shape changes, as in its ImageNet networks.
func cifarResNet(depth int) func(Entry, int, int) (*network.Network, error) {
	n := (depth - 2) / 6
	return func(e Entry, batch, size int) (*network.Network, error) {
		b := newBuilder(e, batch, size)
		x := b.conv("conv1", "input", 16, 3, 1, 1)
		x = b.relu("relu", b.batchNorm("bn1", x))
		x = stages(b, x, basic, 16, []int{n, n, n})
		x = b.flatten("flatten", b.globalAveragePool("avgpool", x), 1)
		b.logits("fc", x, e.Classes)
		return b.done()
	}
}

func stages(b *builder, x string, block block, width int, depths []int) string {
	for stage, depth := range depths {
		for i := range depth {
			stride := 1
			if stage > 0 && i == 0 {
				stride = 2
			}
			x = block(b, fmt.Sprintf("layer%d.%d", stage+1, i), x, width<<stage, stride)
		}
	}
	return x
}

func basic(b *builder, name, x string, width, stride int) string {
	y := b.conv(name+".conv1", x, width, 3, stride, 1)
	y = b.relu(name+".relu1", b.batchNorm(name+".bn1", y))
	y = b.conv(name+".conv2", y, width, 3, 1, 1)
	y = b.batchNorm(name+".bn2", y)
	y = b.add(name+".add", y, shortcut(b, name, x, width, stride))
	return b.relu(name+".relu", y)
}

// bottleneck is the block of ResNet-50 and deeper ones, in version 1.5.
func bottleneck(b *builder, name, x string, width, stride int) string {
	return bottlenecked(b, name, x, width, width, 1, 1, stride)
}

// bottleneckV1 halves the resolution in its first convolution, as the paper does.
func bottleneckV1(b *builder, name, x string, width, stride int) string {
	return bottlenecked(b, name, x, width, width, 1, stride, 1)
}

// grouped is ResNeXt's (Xie et al. 2017, "Aggregated residual transformations
// for deep neural networks"): twice as wide inside, in 32 groups.
func grouped(b *builder, name, x string, width, stride int) string {
	return bottlenecked(b, name, x, width, 2*width, 32, 1, stride)
}

// wide is Zagoruyko and Komodakis' ("Wide residual networks", 2016): twice as
// wide inside.
func wide(b *builder, name, x string, width, stride int) string {
	return bottlenecked(b, name, x, width, 2*width, 1, 1, stride)
}

// bottlenecked has an inner width and strides in its first two convolutions.
func bottlenecked(b *builder, name, x string, width, inner, group, first, second int) string {
	const expansion = 4
	y := b.conv(name+".conv1", x, inner, 1, first, 0)
	y = b.relu(name+".relu1", b.batchNorm(name+".bn1", y))
	y = b.convolve(name+".conv2", y, inner, square(3, second, 1), group, false)
	y = b.relu(name+".relu2", b.batchNorm(name+".bn2", y))
	y = b.conv(name+".conv3", y, expansion*width, 1, 1, 0)
	y = b.batchNorm(name+".bn3", y)
	y = b.add(name+".add", y, shortcut(b, name, x, expansion*width, first*second))
	return b.relu(name+".relu", y)
}

// shortcut is the identity, or a projection if the shape changes.
func shortcut(b *builder, name, x string, channels, stride int) string {
	if stride == 1 && b.channels[x] == channels {
		return x
	}
	y := b.conv(name+".downsample.0", x, channels, 1, stride, 0)
	return b.batchNorm(name+".downsample.1", y)
}
