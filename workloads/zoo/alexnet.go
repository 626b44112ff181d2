package zoo

import "github.com/dlbench/dlbench/workloads/network"

// alexNet is Krizhevsky's second version ("One weird trick for parallelizing
// convolutional neural networks", 2014): one tower, no response normalisation.
// It is the AlexNet of convnet-benchmarks and of torchvision, whose names the
// parameters have.
func alexNet(e Entry, batch, size int) (*network.Network, error) {
	b := newBuilder(e, batch, size)
	x := "input"
	for _, l := range []struct {
		conv, relu, pool          string
		out, kernel, stride, pads int
	}{
		{"features.0", "features.1", "features.2", 64, 11, 4, 2},
		{"features.3", "features.4", "features.5", 192, 5, 1, 2},
		{"features.6", "features.7", "", 384, 3, 1, 1},
		{"features.8", "features.9", "", 256, 3, 1, 1},
		{"features.10", "features.11", "features.12", 256, 3, 1, 1},
	} {
		x = b.relu(l.relu, b.convBias(l.conv, x, l.out, l.kernel, l.stride, l.pads))
		if l.pool != "" {
			x = b.maxPool(l.pool, x, 3, 2, 0)
		}
	}
	x = b.flatten("flatten", x, b.area(x))
	x = b.relu("classifier.2", b.dense("classifier.1", b.dropout("classifier.0", x, 0.5), 4096))
	x = b.relu("classifier.5", b.dense("classifier.4", b.dropout("classifier.3", x, 0.5), 4096))
	b.logits("classifier.6", x, e.Classes)
	return b.done()
}
