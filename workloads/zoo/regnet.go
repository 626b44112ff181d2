package zoo

import (
	"fmt"

	"github.com/dlbench/dlbench/workloads/network"
)

// regNetY is the 400 MF network of Radosavovic et al. 2020 ("Designing network
// design spaces", table 8): stages of bottlenecks in groups of eight channels,
// with gates. Names are torchvision's, with block1_0 for its block1-0.
func regNetY(e Entry, batch, size int) (*network.Network, error) {
	b := newBuilder(e, batch, size)
	x := b.unit("stem", "input", 32, 3, 2, 1, b.relu)
	for stage, s := range []struct{ width, depth int }{{48, 1}, {104, 3}, {208, 6}, {440, 6}} {
		for i := range s.depth {
			stride := 1
			if i == 0 {
				stride = 2
			}
			x = b.gatedBottleneck(fmt.Sprintf("trunk_output.block%d.block%d_%d", stage+1, stage+1, i), x, s.width, stride)
		}
	}
	b.pooledLogits("fc", x, e.Classes)
	return b.done()
}

func (b *builder) gatedBottleneck(name, x string, width, stride int) string {
	in, skip := b.channels[x], x
	if in != width || stride != 1 {
		skip = b.unit(name+".proj", x, width, 1, stride, 1, nil)
	}
	y := b.unit(name+".f.a", x, width, 1, 1, 1, b.relu)
	y = b.unit(name+".f.b", y, width, 3, stride, width/8, b.relu)
	y = b.gate(name+".f.se", y, (in+2)/4, b.relu, b.sigmoid)
	y = b.unit(name+".f.c", y, width, 1, 1, 1, nil)
	return b.relu(name+".activation", b.add(name+".add", skip, y))
}
