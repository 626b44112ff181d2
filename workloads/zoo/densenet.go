package zoo

import (
	"fmt"

	"github.com/dlbench/dlbench/workloads/network"
)

// denseNet is Huang et al. 2017 ("Densely connected convolutional networks",
// table 1) with bottlenecks and a growth of 32: each layer reads what all before
// it in its block have made. Names are torchvision's.
func denseNet(depths ...int) func(Entry, int, int) (*network.Network, error) {
	const growth = 32
	return func(e Entry, batch, size int) (*network.Network, error) {
		b := newBuilder(e, batch, size)
		unit := func(norm, relu, conv, x string, out int, w window) string {
			x = b.relu(relu, b.batchNorm(norm, x))
			return b.convolve(conv, x, out, w, 1, false)
		}
		x := b.convolve("features.conv0", "input", 2*growth, square(7, 2, 3), 1, false)
		x = b.relu("features.relu0", b.batchNorm("features.norm0", x))
		x = b.maxPool("features.pool0", x, 3, 2, 1)
		for block, depth := range depths {
			for layer := range depth {
				name := fmt.Sprintf("features.denseblock%d.denselayer%d", block+1, layer+1)
				y := unit(name+".norm1", name+".relu1", name+".conv1", x, 4*growth, square(1, 1, 0))
				y = unit(name+".norm2", name+".relu2", name+".conv2", y, growth, square(3, 1, 1))
				x = b.concat(name+".concat", x, y)
			}
			if block < len(depths)-1 {
				name := fmt.Sprintf("features.transition%d", block+1)
				x = unit(name+".norm", name+".relu", name+".conv", x, b.channels[x]/2, square(1, 1, 0))
				x = b.averagePool(name+".pool", x, 2, 2, 0)
			}
		}
		x = b.relu("features.relu5", b.batchNorm("features.norm5", x))
		b.pooledLogits("classifier", x, e.Classes)
		return b.done()
	}
}
