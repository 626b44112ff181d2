package zoo

import "github.com/dlbench/dlbench/workloads/network"

// zfNet is Zeiler and Fergus 2013 ("Visualizing and understanding convolutional
// networks", figure 3). Their contrast normalisation across feature maps is
// response normalisation, with the constants of the ONNX model zoo's zfnet512.
func zfNet(e Entry, batch, size int) (*network.Network, error) {
	b := newBuilder(e, batch, size)
	x := b.relu("relu1", b.convBias("conv1", "input", 96, 7, 2, 1))
	x = b.lrn("norm1", b.maxPool("pool1", x, 3, 2, 1), 5e-4, 2)
	x = b.relu("relu2", b.convBias("conv2", x, 256, 5, 2, 0))
	x = b.lrn("norm2", b.maxPool("pool2", x, 3, 2, 1), 5e-4, 2)
	x = b.relu("relu3", b.convBias("conv3", x, 384, 3, 1, 1))
	x = b.relu("relu4", b.convBias("conv4", x, 384, 3, 1, 1))
	x = b.relu("relu5", b.convBias("conv5", x, 256, 3, 1, 1))
	x = b.maxPool("pool5", x, 3, 2, 0)
	x = b.flatten("flatten", x, b.area(x))
	x = b.dropout("drop6", b.relu("relu6", b.dense("fc6", x, 4096)), 0.5)
	x = b.dropout("drop7", b.relu("relu7", b.dense("fc7", x, 4096)), 0.5)
	b.logits("fc8", x, e.Classes)
	return b.done()
}
