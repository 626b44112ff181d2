package zoo

import "github.com/dlbench/dlbench/workloads/network"

// inception is a module's widths, in the columns of the paper's table 1.
type inception struct {
	name                                     string
	one, reduce3, three, reduce5, five, pool int
}

// googLeNet is Szegedy et al. 2015 ("Going deeper with convolutions", table 1),
// with its response normalisations and pools that round up, as bvlc_googlenet
// has them. Its two auxiliary classifiers, which serve only training, are left
// out in both modes: a plan has one loss.
func googLeNet(e Entry, batch, size int) (*network.Network, error) {
	b := newBuilder(e, batch, size)
	x := b.relu("conv1.relu_7x7", b.convBias("conv1.7x7_s2", "input", 64, 7, 2, 3))
	x = b.lrn("pool1.norm1", b.ceilPool("pool1.3x3_s2", x), 1e-4, 1)
	x = b.relu("conv2.relu_3x3_reduce", b.convBias("conv2.3x3_reduce", x, 64, 1, 1, 0))
	x = b.relu("conv2.relu_3x3", b.convBias("conv2.3x3", x, 192, 3, 1, 1))
	x = b.ceilPool("pool2.3x3_s2", b.lrn("conv2.norm2", x, 1e-4, 1))
	x = b.inceptions(x, inception{"3a", 64, 96, 128, 16, 32, 32}, inception{"3b", 128, 128, 192, 32, 96, 64})
	x = b.ceilPool("pool3.3x3_s2", x)
	x = b.inceptions(x, inception{"4a", 192, 96, 208, 16, 48, 64}, inception{"4b", 160, 112, 224, 24, 64, 64},
		inception{"4c", 128, 128, 256, 24, 64, 64}, inception{"4d", 112, 144, 288, 32, 64, 64}, inception{"4e", 256, 160, 320, 32, 128, 128})
	x = b.ceilPool("pool4.3x3_s2", x)
	x = b.inceptions(x, inception{"5a", 256, 160, 320, 32, 128, 128}, inception{"5b", 384, 192, 384, 48, 128, 128})
	x = b.dropout("pool5.drop", b.globalAveragePool("pool5.7x7_s1", x), 0.4)
	b.logits("loss3.classifier", b.flatten("flatten", x, 1), e.Classes)
	return b.done()
}

func (b *builder) inceptions(x string, modules ...inception) string {
	for _, m := range modules {
		name := "inception_" + m.name
		conv := func(part, x string, out, kernel int) string {
			return b.relu(name+".relu_"+part, b.convBias(name+"."+part, x, out, kernel, 1, kernel/2))
		}
		one := conv("1x1", x, m.one, 1)
		three := conv("3x3", conv("3x3_reduce", x, m.reduce3, 1), m.three, 3)
		five := conv("5x5", conv("5x5_reduce", x, m.reduce5, 1), m.five, 5)
		pool := conv("pool_proj", b.maxPool(name+".pool", x, 3, 1, 1), m.pool, 1)
		x = b.concat(name+".output", one, three, five, pool)
	}
	return x
}
