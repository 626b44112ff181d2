package zoo

import "github.com/dlbench/dlbench/workloads/network"

// inceptionV3 is Szegedy et al. 2016 ("Rethinking the inception architecture for
// computer vision") as torchvision has it, on images of 299×299, without the
// auxiliary classifier, which serves only training.
func inceptionV3(e Entry, batch, size int) (*network.Network, error) {
	b := &inceptionBuilder{newBuilder(e, batch, size)}
	b.epsilon = 1e-3
	x := b.unit("Conv2d_1a_3x3", "input", 32, square(3, 2, 0))
	x = b.unit("Conv2d_2a_3x3", x, 32, square(3, 1, 0))
	x = b.unit("Conv2d_2b_3x3", x, 64, square(3, 1, 1))
	x = b.maxPool("maxpool1", x, 3, 2, 0)
	x = b.unit("Conv2d_3b_1x1", x, 80, square(1, 1, 0))
	x = b.unit("Conv2d_4a_3x3", x, 192, square(3, 1, 0))
	x = b.maxPool("maxpool2", x, 3, 2, 0)
	x = b.a("Mixed_5b", x, 32)
	x = b.a("Mixed_5c", x, 64)
	x = b.a("Mixed_5d", x, 64)
	x = b.halve("Mixed_6a", x)
	x = b.c("Mixed_6b", x, 128)
	x = b.c("Mixed_6c", x, 160)
	x = b.c("Mixed_6d", x, 160)
	x = b.c("Mixed_6e", x, 192)
	x = b.halveAgain("Mixed_7a", x)
	x = b.e("Mixed_7b", x)
	x = b.e("Mixed_7c", x)
	x = b.dropout("dropout", b.globalAveragePool("avgpool", x), 0.5)
	b.logits("fc", b.flatten("flatten", x, 1), e.Classes)
	return b.done()
}

type inceptionBuilder struct{ *builder }

// unit is a convolution, its batch norm and a rectifier.
func (b *inceptionBuilder) unit(name, x string, out int, w window) string {
	x = b.convolve(name+".conv", x, out, w, 1, false)
	return b.relu(name+".relu", b.batchNorm(name+".bn", x))
}

// chain is one unit after another.
func (b *inceptionBuilder) chain(name, x string, units ...unit) string {
	for _, u := range units {
		x = b.unit(name+"."+u.name, x, u.out, u.window)
	}
	return x
}

type unit struct {
	name   string
	out    int
	window window
}

func (b *inceptionBuilder) pooled(name, x string, out int) string {
	return b.unit(name+".branch_pool", b.averagePool(name+".pool", x, 3, 1, 1), out, square(1, 1, 0))
}

func (b *inceptionBuilder) a(name, x string, pool int) string {
	return b.concat(name,
		b.chain(name, x, unit{"branch1x1", 64, square(1, 1, 0)}),
		b.chain(name, x, unit{"branch5x5_1", 48, square(1, 1, 0)}, unit{"branch5x5_2", 64, square(5, 1, 2)}),
		b.chain(name, x, unit{"branch3x3dbl_1", 64, square(1, 1, 0)}, unit{"branch3x3dbl_2", 96, square(3, 1, 1)}, unit{"branch3x3dbl_3", 96, square(3, 1, 1)}),
		b.pooled(name, x, pool))
}

func (b *inceptionBuilder) halve(name, x string) string {
	return b.concat(name,
		b.chain(name, x, unit{"branch3x3", 384, square(3, 2, 0)}),
		b.chain(name, x, unit{"branch3x3dbl_1", 64, square(1, 1, 0)}, unit{"branch3x3dbl_2", 96, square(3, 1, 1)}, unit{"branch3x3dbl_3", 96, square(3, 2, 0)}),
		b.maxPool(name+".pool", x, 3, 2, 0))
}

func (b *inceptionBuilder) c(name, x string, width int) string {
	return b.concat(name,
		b.chain(name, x, unit{"branch1x1", 192, square(1, 1, 0)}),
		b.chain(name, x, unit{"branch7x7_1", width, square(1, 1, 0)}, unit{"branch7x7_2", width, oblong(1, 7)}, unit{"branch7x7_3", 192, oblong(7, 1)}),
		b.chain(name, x, unit{"branch7x7dbl_1", width, square(1, 1, 0)}, unit{"branch7x7dbl_2", width, oblong(7, 1)}, unit{"branch7x7dbl_3", width, oblong(1, 7)},
			unit{"branch7x7dbl_4", width, oblong(7, 1)}, unit{"branch7x7dbl_5", 192, oblong(1, 7)}),
		b.pooled(name, x, 192))
}

func (b *inceptionBuilder) halveAgain(name, x string) string {
	return b.concat(name,
		b.chain(name, x, unit{"branch3x3_1", 192, square(1, 1, 0)}, unit{"branch3x3_2", 320, square(3, 2, 0)}),
		b.chain(name, x, unit{"branch7x7x3_1", 192, square(1, 1, 0)}, unit{"branch7x7x3_2", 192, oblong(1, 7)}, unit{"branch7x7x3_3", 192, oblong(7, 1)},
			unit{"branch7x7x3_4", 192, square(3, 2, 0)}),
		b.maxPool(name+".pool", x, 3, 2, 0))
}

func (b *inceptionBuilder) e(name, x string) string {
	one := b.chain(name, x, unit{"branch1x1", 320, square(1, 1, 0)})
	three := b.chain(name, x, unit{"branch3x3_1", 384, square(1, 1, 0)})
	double := b.chain(name, x, unit{"branch3x3dbl_1", 448, square(1, 1, 0)}, unit{"branch3x3dbl_2", 384, square(3, 1, 1)})
	return b.concat(name, one,
		b.concat(name+".branch3x3", b.chain(name, three, unit{"branch3x3_2a", 384, oblong(1, 3)}), b.chain(name, three, unit{"branch3x3_2b", 384, oblong(3, 1)})),
		b.concat(name+".branch3x3dbl", b.chain(name, double, unit{"branch3x3dbl_3a", 384, oblong(1, 3)}), b.chain(name, double, unit{"branch3x3dbl_3b", 384, oblong(3, 1)})),
		b.pooled(name, x, 192))
}
