// Package zoo holds the networks, one file per family.
package zoo

import (
	"fmt"
	"slices"

	"github.com/dlbench/dlbench/workloads/initial"
	"github.com/dlbench/dlbench/workloads/network"
)

// builder appends nodes and parameters; each method returns the name of the
// activation it makes. Parameters have the names that PyTorch users know.
type builder struct {
	net      network.Network
	channels map[string]int // of an activation

	epsilon, momentum float64 // of batch norms
	axes              int     // of space: 2, or 3 of volumes
	convolutionBias   bool    // convolutions have a bias even before a batch norm
}

// newBuilder has images as its input, or volumes as deep as their size is to the
// network's own.
func newBuilder(e Entry, batch, size int) *builder {
	shape := []int{batch, e.Channels, size, size}
	if e.Depth > 0 {
		shape = slices.Insert(shape, 2, max(1, e.Depth*size/e.Size))
	}
	return &builder{
		net:      network.Network{Name: e.Name, Opset: network.Opset, Input: network.Value{Name: "input", Shape: shape}},
		channels: map[string]int{"input": e.Channels},
		epsilon:  1e-5, momentum: 0.9, axes: len(shape) - 2,
	}
}

func (b *builder) node(name, op string, attributes network.Attributes, channels int, inputs ...string) string {
	if attributes == nil {
		attributes = network.Attributes{}
	}
	b.net.Nodes = append(b.net.Nodes, network.Node{Name: name, Op: op, Inputs: inputs, Output: name, Attributes: attributes})
	b.channels[name] = channels
	return name
}

func (b *builder) parameter(name string, role network.Role, shape ...int) string {
	b.net.Parameters = append(b.net.Parameters, network.Parameter{Name: name, Shape: shape, Role: role})
	return name
}

// conv is a convolution without bias, padded alike on all sides.
func (b *builder) conv(name, x string, out, kernel, stride, pad int) string {
	return b.convolve(name, x, out, square(kernel, stride, pad), 1, b.convolutionBias)
}

func (b *builder) convBias(name, x string, out, kernel, stride, pad int) string {
	return b.convolve(name, x, out, square(kernel, stride, pad), 1, true)
}

// window is a convolution's or a pool's, along each axis, or one number for all
// of them; pads are the same on both sides of an axis.
type window struct{ kernel, stride, pad []int }

// square is alike along all axes.
func square(kernel, stride, pad int) window {
	return window{[]int{kernel}, []int{stride}, []int{pad}}
}

// oblong is a window of stride 1 that keeps the image's size.
func oblong(rows, columns int) window {
	return window{[]int{rows, columns}, []int{1}, []int{rows / 2, columns / 2}}
}

// along are numbers for each axis.
func (b *builder) along(numbers ...int) []int {
	if len(numbers) == 1 {
		return slices.Repeat(numbers, b.axes)
	}
	return numbers
}

// sliding are the attributes of a window.
func (b *builder) sliding(w window) network.Attributes {
	return network.Attributes{
		"kernel_shape": b.along(w.kernel...), "strides": b.along(w.stride...), "pads": slices.Repeat(b.along(w.pad...), 2),
	}
}

func (b *builder) windowAttributes(w window, group int) network.Attributes {
	a := b.sliding(w)
	a["dilations"], a["group"] = b.along(1), group
	return a
}

// convolve is a convolution in groups, with or without a bias.
func (b *builder) convolve(name, x string, out int, w window, group int, bias bool) string {
	inputs := []string{x, b.parameter(name+".weight", network.Trainable, append([]int{out, b.channels[x] / group}, b.along(w.kernel...)...)...)}
	if bias {
		inputs = append(inputs, b.parameter(name+".bias", network.Trainable, out))
	}
	return b.node(name, "Conv", b.windowAttributes(w, group), out, inputs...)
}

// up doubles the size by a transposed convolution of 2 in each direction.
func (b *builder) up(name, x string, out int) string { return b.upConvolve(name, x, out, true) }

func (b *builder) upConvolve(name, x string, out int, bias bool) string {
	inputs := []string{x, b.parameter(name+".weight", network.Trainable, append([]int{b.channels[x], out}, b.along(2)...)...)}
	if bias {
		inputs = append(inputs, b.parameter(name+".bias", network.Trainable, out))
	}
	a := b.windowAttributes(square(2, 2, 0), 1)
	a["output_padding"] = b.along(0)
	return b.node(name, "ConvTranspose", a, out, inputs...)
}

// double doubles the size by linear interpolation between the middles of pixels.
func (b *builder) double(name, x string) string {
	return b.pointwise(name, "Resize", x, network.Attributes{
		"mode": "linear", "scales": b.along(2), "coordinate_transformation_mode": "half_pixel", "nearest_mode": "floor",
	})
}

func (b *builder) instanceNorm(name, x string) string {
	c := b.channels[x]
	return b.node(name, "InstanceNormalization", network.Attributes{"epsilon": b.epsilon}, c, x,
		b.parameter(name+".weight", network.Trainable, c), b.parameter(name+".bias", network.Trainable, c))
}

func (b *builder) batchNorm(name, x string) string {
	c := b.channels[x]
	inputs := []string{x,
		b.parameter(name+".weight", network.Trainable, c),
		b.parameter(name+".bias", network.Trainable, c),
		b.parameter(name+".running_mean", network.RunningMean, c),
		b.parameter(name+".running_var", network.RunningVariance, c),
	}
	return b.node(name, "BatchNormalization", network.Attributes{"epsilon": b.epsilon, "momentum": b.momentum}, c, inputs...)
}

func (b *builder) relu(name, x string) string { return b.node(name, "Relu", nil, b.channels[x], x) }

func (b *builder) add(name, x, y string) string {
	return b.node(name, "Add", nil, b.channels[x], x, y)
}

// pointwise is an operator that keeps its input's shape.
func (b *builder) pointwise(name, op, x string, a network.Attributes) string {
	return b.node(name, op, a, b.channels[x], x)
}

func (b *builder) relu6(name, x string) string {
	return b.pointwise(name, "Clip", x, network.Attributes{"min": 0.0, "max": 6.0})
}

// silu is x·sigmoid(x), for which ONNX has no operator of its own.
func (b *builder) silu(name, x string) string {
	return b.mul(name, x, b.pointwise(name+".sigmoid", "Sigmoid", x, nil))
}

// mul multiplies a value by another of its shape, or by a gate of [N C 1 1].
func (b *builder) mul(name, x, y string) string {
	return b.node(name, "Mul", nil, b.channels[x], x, y)
}

func (b *builder) dropout(name, x string, ratio float64) string {
	return b.pointwise(name, "Dropout", x, network.Attributes{"ratio": ratio})
}

func (b *builder) concat(name string, parts ...string) string {
	channels := 0
	for _, part := range parts {
		channels += b.channels[part]
	}
	return b.node(name, "Concat", network.Attributes{"axis": 1}, channels, parts...)
}

func (b *builder) maxPool(name, x string, kernel, stride, pad int) string {
	a := b.sliding(square(kernel, stride, pad))
	a["dilations"], a["ceil_mode"] = b.along(1), 0
	return b.pointwise(name, "MaxPool", x, a)
}

// ceilPool is a max pool of 3×3 in steps of 2, without padding, whose last
// window may overhang, as Caffe's do.
func (b *builder) ceilPool(name, x string) string {
	b.maxPool(name, x, 3, 2, 0)
	b.net.Nodes[len(b.net.Nodes)-1].Attributes["ceil_mode"] = 1
	return name
}

// averagePool counts its padding, as PyTorch's does.
func (b *builder) averagePool(name, x string, kernel, stride, pad int) string {
	a := b.sliding(square(kernel, stride, pad))
	a["ceil_mode"], a["count_include_pad"] = 0, 1
	return b.pointwise(name, "AveragePool", x, a)
}

// lrn is the normalisation over five channels of Krizhevsky et al. 2012.
func (b *builder) lrn(name, x string, alpha, bias float64) string {
	return b.pointwise(name, "LRN", x, network.Attributes{"alpha": alpha, "beta": 0.75, "bias": bias, "size": 5})
}

// gate is squeeze-and-excitation (Hu et al. 2018): a value for each channel, by
// which x is multiplied.
func (b *builder) gate(name, x string, squeezed int, activation, gate func(name, x string) string) string {
	y := b.globalAveragePool(name+".avgpool", x)
	y = activation(name+".activation", b.convBias(name+".fc1", y, squeezed, 1, 1, 0))
	y = gate(name+".scale_activation", b.convBias(name+".fc2", y, b.channels[x], 1, 1, 0))
	return b.mul(name+".scale", x, y)
}

func (b *builder) sigmoid(name, x string) string { return b.pointwise(name, "Sigmoid", x, nil) }

func (b *builder) hardSwish(name, x string) string { return b.pointwise(name, "HardSwish", x, nil) }

// hardSigmoid has the slope 1/6 in the 32 bits that ONNX keeps.
func (b *builder) hardSigmoid(name, x string) string {
	return b.pointwise(name, "HardSigmoid", x, network.Attributes{"alpha": 0.16666667, "beta": 0.5})
}

func (b *builder) globalAveragePool(name, x string) string {
	return b.node(name, "GlobalAveragePool", nil, b.channels[x], x)
}

// flatten needs the number of features per channel, height times width.
func (b *builder) flatten(name, x string, area int) string {
	return b.node(name, "Flatten", network.Attributes{"axis": 1}, b.channels[x]*area, x)
}

func (b *builder) dense(name, x string, out int) string {
	in := b.channels[x]
	w := b.parameter(name+".weight", network.Trainable, out, in)
	c := b.parameter(name+".bias", network.Trainable, out)
	return b.node(name, "Gemm", network.Attributes{"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 1}, out, x, w, c)
}

// area is the height times the width of the last activation; 1 of one that does
// not fit, which done refuses.
func (b *builder) area(x string) int {
	probe := b.net
	probe.Nodes, probe.Outputs = slices.Clone(b.net.Nodes), []string{x}
	initial.Draw(&probe)
	if probe.Check() != nil {
		return 1
	}
	shape := probe.Nodes[len(probe.Nodes)-1].Shape
	return shape[2] * shape[3]
}

// pooledLogits is the end of most networks: the mean of each channel and a
// dense layer.
func (b *builder) pooledLogits(parameters, x string, classes int) {
	b.logits(parameters, b.flatten("flatten", b.globalAveragePool("avgpool", x), 1), classes)
}

// layers numbers the layers of a sequence, as torchvision does.
func layers(prefix string) func() string {
	i := -1
	return func() string {
		i++
		return fmt.Sprintf("%s.%d", prefix, i)
	}
}

// logits is the last dense layer; its activation is what a network puts out.
func (b *builder) logits(parameters, x string, classes int) {
	b.dense(parameters, x, classes)
	b.putOut()
}

// pixelLogits is the last layer of a network that labels every pixel: a dense
// one for each of them.
func (b *builder) pixelLogits(parameters, x string, classes int) {
	b.convBias(parameters, x, classes, 1, 1, 0)
	b.putOut()
}

// putOut makes the last activation the logits.
func (b *builder) putOut() {
	last := &b.net.Nodes[len(b.net.Nodes)-1]
	last.Output = "logits"
	b.net.Outputs = []string{"logits"}
}

func (b *builder) done() (*network.Network, error) {
	initial.Draw(&b.net)
	if err := b.net.Check(); err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	return &b.net, nil
}
