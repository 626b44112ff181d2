package zoo

import "github.com/dlbench/dlbench/workloads/network"

// leNet is LeNet-5 (LeCun et al. 1998) as it is taught today: 28×28 images
// padded by two, rectifiers for sigmoids, max pools for subsampling, full
// connections between the feature maps.
func leNet(e Entry, batch, size int) (*network.Network, error) {
	b := newBuilder(e, batch, size)
	x := b.relu("relu1", b.convBias("conv1", "input", 6, 5, 1, 2))
	x = b.maxPool("pool1", x, 2, 2, 0)
	x = b.relu("relu2", b.convBias("conv2", x, 16, 5, 1, 0))
	x = b.maxPool("pool2", x, 2, 2, 0)
	side := (size/2 - 4) / 2
	x = b.flatten("flatten", x, side*side)
	x = b.relu("relu3", b.dense("fc1", x, 120))
	x = b.relu("relu4", b.dense("fc2", x, 84))
	b.logits("fc3", x, e.Classes)
	return b.done()
}
