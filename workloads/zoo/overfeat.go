package zoo

import "github.com/dlbench/dlbench/workloads/network"

// overFeat is the fast model of Sermanet et al. 2014 ("OverFeat: integrated
// recognition, localization and detection using convolutional networks", table
// 1), on images of 231×231; it is OverFeat in convnet-benchmarks.
func overFeat(e Entry, batch, size int) (*network.Network, error) {
	b := newBuilder(e, batch, size)
	x := b.relu("relu1", b.convBias("conv1", "input", 96, 11, 4, 0))
	x = b.maxPool("pool1", x, 2, 2, 0)
	x = b.relu("relu2", b.convBias("conv2", x, 256, 5, 1, 0))
	x = b.maxPool("pool2", x, 2, 2, 0)
	x = b.relu("relu3", b.convBias("conv3", x, 512, 3, 1, 1))
	x = b.relu("relu4", b.convBias("conv4", x, 1024, 3, 1, 1))
	x = b.relu("relu5", b.convBias("conv5", x, 1024, 3, 1, 1))
	x = b.maxPool("pool5", x, 2, 2, 0)
	x = b.flatten("flatten", x, b.area(x))
	x = b.dropout("drop6", b.relu("relu6", b.dense("fc6", x, 3072)), 0.5)
	x = b.dropout("drop7", b.relu("relu7", b.dense("fc7", x, 4096)), 0.5)
	b.logits("fc8", x, e.Classes)
	return b.done()
}
