package zoo

import "github.com/dlbench/dlbench/workloads/network"

// squeezeNet is version 1.1 of Iandola et al. 2016 ("SqueezeNet: AlexNet-level
// accuracy with 50x fewer parameters and <0.5MB model size"), whose classifier
// is a convolution and a mean. Names are torchvision's.
func squeezeNet(e Entry, batch, size int) (*network.Network, error) {
	b := newBuilder(e, batch, size)
	next := layers("features")
	x := b.relu("features.1", b.convBias("features.0", "input", 64, 3, 2, 0))
	next()
	next()
	for _, fires := range [][][2]int{
		{{16, 64}, {16, 64}}, {{32, 128}, {32, 128}}, {{48, 192}, {48, 192}, {64, 256}, {64, 256}},
	} {
		x = b.ceilPool(next(), x)
		for _, f := range fires {
			name := next()
			s := b.relu(name+".squeeze_activation", b.convBias(name+".squeeze", x, f[0], 1, 1, 0))
			one := b.relu(name+".expand1x1_activation", b.convBias(name+".expand1x1", s, f[1], 1, 1, 0))
			three := b.relu(name+".expand3x3_activation", b.convBias(name+".expand3x3", s, f[1], 3, 1, 1))
			x = b.concat(name, one, three)
		}
	}
	x = b.dropout("classifier.0", x, 0.5)
	x = b.relu("classifier.2", b.convBias("classifier.1", x, e.Classes, 1, 1, 0))
	b.flatten("flatten", b.globalAveragePool("classifier.3", x), 1)
	b.net.Nodes[len(b.net.Nodes)-1].Output = "logits"
	b.net.Outputs = []string{"logits"}
	return b.done()
}
