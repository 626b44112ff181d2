package onnx

import (
	"fmt"

	"github.com/dlbench/dlbench/workloads/network"
)

// logits are the first output: one row of classes for each image, or a class for
// each of its pixels. What a loss has in it is left to the loss in training.
func (i *importer) logits(output string, v value) (string, error) {
	if rank := len(v.shape); rank < 2 || elements(v.shape[2:]) != 1 && rank != 4 && rank != 5 {
		return "", fmt.Errorf("output %q is %v, wants one row of classes for each image, [N classes], or for each of its pixels, [N classes H W] or [N classes D H W]", output, v.shape)
	}
	if source, turned := i.first(v); turned && elements(v.shape[2:]) != 1 {
		i.fold("output %q: %v comes with its classes first, %v", output, v.shape, source.shape)
		i.open[v.name]--
		v = source
	}
	if i.options.Training {
		var err error
		if v, err = i.trained(output, v); err != nil {
			return "", err
		}
	}
	if v.name == "input" {
		return "", fmt.Errorf("output %q is made by no node", output)
	}
	if len(v.shape) == 2 || elements(v.shape[2:]) != 1 {
		return v.name, nil
	}
	flat, err := i.add(&node{name: output + ".flatten", outputs: []string{output + ".flatten"}}, "Flatten", network.Attributes{"axis": 1}, []value{v})
	if err != nil {
		return "", fmt.Errorf("output %q: %w", output, err)
	}
	i.fold("output %q: %v is flattened to %v", output, v.shape, flat.shape)
	return flat.name, nil
}

// trained are the logits that a loss is of. A Softmax at the end is in it, and so
// is a Sigmoid, which says of each class by itself whether an image has it.
func (i *importer) trained(output string, v value) (value, error) {
	pixels := elements(v.shape[2:]) != 1
	last := i.last(v)
	switch {
	case last != nil && last.Op == "Softmax" && last.Attributes.Int("axis") == 1:
		return i.without(v), nil
	case last != nil && last.Op == "Sigmoid" && pixels:
		return v, fmt.Errorf("output %q is %v with a Sigmoid, so that a pixel has several classes or none; dlbench trains pixels that have one of at least two", output, v.shape)
	case last != nil && last.Op == "Sigmoid":
		i.loss = network.SigmoidCrossEntropy
		return i.without(v), nil
	case pixels && v.shape[1] < 2:
		return v, fmt.Errorf("output %q is %v, and to train a network that labels pixels wants at least two classes", output, v.shape)
	}
	return v, nil
}

// last is the node that makes the one output, if nothing else reads that.
func (i *importer) last(v value) *network.Node {
	at, ok := i.makers[v.name]
	if !ok || len(i.file.Graph.Output) > 1 || i.readers[v.name] > i.idle(v.name) {
		return nil
	}
	return &i.net.Nodes[at]
}

// without leaves the last node to the loss.
func (i *importer) without(v value) value {
	at := i.makers[v.name]
	n := &i.net.Nodes[at]
	i.fold("%s %q: it is in the loss while training", n.Op, n.Name)
	before := i.inner(at)
	i.readers[before.name]--
	n.Op = "" // swept
	return before
}

// logSoftmax at the end is in the loss while training: the softmax of its output
// is that of its input. In inference it would be another output.
func logSoftmax(i *importer, n *node) ([]value, error) {
	x, err := i.activation(n, 0)
	if err != nil {
		return nil, err
	}
	outputs := i.file.Graph.Output
	last := len(outputs) == 1 && outputs[0].GetName() == n.output() && i.uses[n.output()] == 1
	axis, err := i.softmaxAxis(n, x)
	if err != nil {
		return nil, err
	}
	if !i.options.Training || !last || axis != 1 {
		return nil, fmt.Errorf("dlbench has it at the end of a network that is trained, over the classes, where it is in the loss; export the network without it")
	}
	i.foldNode(n, "it is in the loss while training")
	return []value{x}, nil
}
