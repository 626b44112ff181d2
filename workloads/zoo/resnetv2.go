package zoo

import "github.com/dlbench/dlbench/workloads/network"

// resNetV2 is He et al. 2016b ("Identity mappings in deep residual networks"):
// batch norm and rectifier come before each convolution, and nothing follows
// the addition. What projects reads the rectified input, as in the authors' code.
func resNetV2(depths ...int) func(Entry, int, int) (*network.Network, error) {
	return func(e Entry, batch, size int) (*network.Network, error) {
		b := newBuilder(e, batch, size)
		x := b.conv("conv1", "input", 64, 7, 2, 3)
		x = b.maxPool("maxpool", x, 3, 2, 1)
		x = stages(b, x, preactivated, 64, depths)
		x = b.relu("relu", b.batchNorm("norm", x))
		b.pooledLogits("fc", x, e.Classes)
		return b.done()
	}
}

// preactivated ends in a convolution, whose weights are drawn small.
func preactivated(b *builder, name, x string, width, stride int) string {
	const expansion = 4
	y := b.relu(name+".relu1", b.batchNorm(name+".bn1", x))
	skip := x
	if stride != 1 || b.channels[x] != expansion*width {
		skip = b.conv(name+".downsample", y, expansion*width, 1, stride, 0)
	}
	y = b.conv(name+".conv1", y, width, 1, 1, 0)
	y = b.conv(name+".conv2", b.relu(name+".relu2", b.batchNorm(name+".bn2", y)), width, 3, stride, 1)
	y = b.relu(name+".relu3", b.batchNorm(name+".bn3", y))
	y = b.conv(name+".conv3", y, expansion*width, 1, 1, 0)
	return b.add(name+".add", y, skip)
}
