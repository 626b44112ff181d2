package zoo

import "github.com/dlbench/dlbench/workloads/network"

// vgg is Simonyan and Zisserman 2015 ("Very deep convolutional networks for
// large-scale image recognition", table 1): stages of 3×3 convolutions, as many
// as depths says, each stage ended by a pool. With norm a batch norm follows
// each convolution (Ioffe and Szegedy 2015), as in torchvision's vgg11_bn.
func vgg(norm bool, depths ...int) func(Entry, int, int) (*network.Network, error) {
	return func(e Entry, batch, size int) (*network.Network, error) {
		b := newBuilder(e, batch, size)
		x, next := "input", layers("features")
		for stage, depth := range depths {
			for range depth {
				x = b.convBias(next(), x, min(64<<stage, 512), 3, 1, 1)
				if norm {
					x = b.batchNorm(next(), x)
				}
				x = b.relu(next(), x)
			}
			x = b.maxPool(next(), x, 2, 2, 0)
		}
		x = b.flatten("flatten", x, b.area(x))
		x = b.dropout("classifier.2", b.relu("classifier.1", b.dense("classifier.0", x, 4096)), 0.5)
		x = b.dropout("classifier.5", b.relu("classifier.4", b.dense("classifier.3", x, 4096)), 0.5)
		b.logits("classifier.6", x, e.Classes)
		return b.done()
	}
}
