// Package zoo holds the networks, one file per family.
package zoo

import (
	"fmt"
	"math"

	"github.com/dlbench/dlbench/workloads/network"
)

// builder appends nodes and parameters; each method returns the name of the
// activation it makes. Parameters have the names that PyTorch users know.
type builder struct {
	net      network.Network
	channels map[string]int // of an activation
}

func newBuilder(name string, batch, channels, size int) *builder {
	return &builder{
		net: network.Network{Name: name, Opset: network.Opset,
			Input: network.Value{Name: "input", Shape: []int{batch, channels, size, size}}},
		channels: map[string]int{"input": channels},
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

func (b *builder) parameter(name string, role network.Role, init network.Init, shape ...int) string {
	b.net.Parameters = append(b.net.Parameters, network.Parameter{Name: name, Shape: shape, Role: role, Init: init})
	return name
}

// conv is a convolution without bias, padded alike on all sides. Weights are
// drawn for rectifiers (He et al. 2015, "Delving deep into rectifiers").
func (b *builder) conv(name, x string, out, kernel, stride, pad int) string {
	in := b.channels[x]
	std := math.Sqrt(2 / float64(in*kernel*kernel))
	w := b.parameter(name+".weight", network.Trainable, network.Init{Kind: "normal", Std: std}, out, in, kernel, kernel)
	return b.node(name, "Conv", convAttributes(kernel, stride, pad), out, x, w)
}

func (b *builder) convBias(name, x string, out, kernel, stride, pad int) string {
	in := b.channels[x]
	std := math.Sqrt(2 / float64(in*kernel*kernel))
	w := b.parameter(name+".weight", network.Trainable, network.Init{Kind: "normal", Std: std}, out, in, kernel, kernel)
	c := b.parameter(name+".bias", network.Trainable, network.Init{Kind: "normal", Std: 0.1}, out)
	return b.node(name, "Conv", convAttributes(kernel, stride, pad), out, x, w, c)
}

func convAttributes(kernel, stride, pad int) network.Attributes {
	return network.Attributes{
		"kernel_shape": []int{kernel, kernel}, "strides": []int{stride, stride},
		"pads": []int{pad, pad, pad, pad}, "dilations": []int{1, 1}, "group": 1,
	}
}

// batchNorm normalises with scales around one and shifts around one half.
// Nothing is 0 or 1 exactly, so that a runner that ignores a parameter cannot
// pass parity.
//
// Damped is the last normalisation of a residual branch: a small scale keeps a
// deep network well-conditioned at its random start, and shifts around zero
// keep the trunk from growing by one half a block. Growth would leave the
// logits nearly the same for every image, and no rectifier of the last blocks
// ever off, so that some gradients vanish (ResNet-50: 2e-16 against 3e-3).
func (b *builder) batchNorm(name, x string, damped bool) string {
	c := b.channels[x]
	scale := network.Init{Kind: "uniform", Low: 0.8, High: 1.2}
	shift := network.Init{Kind: "uniform", Low: 0.4, High: 0.6}
	if damped {
		scale = network.Init{Kind: "uniform", Low: 0.08, High: 0.12}
		shift = network.Init{Kind: "uniform", Low: -0.1, High: 0.1}
	}
	inputs := []string{x,
		b.parameter(name+".weight", network.Trainable, scale, c),
		b.parameter(name+".bias", network.Trainable, shift, c),
		b.parameter(name+".running_mean", network.RunningMean, network.Init{Kind: "uniform", Low: -0.2, High: 0.2}, c),
		b.parameter(name+".running_var", network.RunningVariance, network.Init{Kind: "uniform", Low: 1, High: 2}, c),
	}
	return b.node(name, "BatchNormalization", network.Attributes{"epsilon": 1e-5, "momentum": 0.9}, c, inputs...)
}

func (b *builder) relu(name, x string) string { return b.node(name, "Relu", nil, b.channels[x], x) }

func (b *builder) add(name, x, y string) string {
	return b.node(name, "Add", nil, b.channels[x], x, y)
}

func (b *builder) maxPool(name, x string, kernel, stride, pad int) string {
	return b.node(name, "MaxPool", network.Attributes{
		"kernel_shape": []int{kernel, kernel}, "strides": []int{stride, stride},
		"pads": []int{pad, pad, pad, pad}, "dilations": []int{1, 1}, "ceil_mode": 0,
	}, b.channels[x], x)
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
	std := math.Sqrt(1 / float64(in))
	w := b.parameter(name+".weight", network.Trainable, network.Init{Kind: "normal", Std: std}, out, in)
	c := b.parameter(name+".bias", network.Trainable, network.Init{Kind: "normal", Std: 0.1}, out)
	return b.node(name, "Gemm", network.Attributes{"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 1}, out, x, w, c)
}

// logits is the last dense layer; its activation is what a network puts out.
func (b *builder) logits(parameters, x string, classes int) {
	b.dense(parameters, x, classes)
	last := &b.net.Nodes[len(b.net.Nodes)-1]
	last.Output = "logits"
	b.net.Outputs = []string{"logits"}
}

func (b *builder) done() (*network.Network, error) {
	if err := b.net.Check(); err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	return &b.net, nil
}
