package onnx

import (
	"fmt"

	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/onnx/schema"
)

// input finds the one input that has no value in the file and gives it the
// workload's shape.
func (i *importer) input() error {
	var open []*schema.ValueInfoProto
	for _, in := range i.file.Graph.Input {
		if _, stored := i.stored[in.GetName()]; !stored {
			open = append(open, in)
		}
	}
	if len(open) != 1 {
		return fmt.Errorf("it has %d inputs%s, wants one: the images", len(open), quotedNames(open))
	}
	in := open[0]
	t := in.GetType().GetTensorType()
	if t == nil {
		return fmt.Errorf("input %q is no tensor", in.GetName())
	}
	switch kind := schema.TensorProto_DataType(t.GetElemType()); {
	case floats[kind] == nil:
		return fmt.Errorf("input %q is %s, wants float32", in.GetName(), kindName(kind))
	case kind != schema.TensorProto_FLOAT:
		i.fold("input %q is %s: all is computed in float32, or in the workload's precision", in.GetName(), floats[kind].name)
	}
	if t.Shape == nil && i.options.Input == nil {
		return fmt.Errorf("input %q has no shape; say it as --input CxHxW, like --input 3x224x224", in.GetName())
	}
	if t.Shape != nil && len(t.Shape.Dim) != 4 {
		return fmt.Errorf("input %q is %s, wants four axes [N C H W]", in.GetName(), dimsText(t.Shape.GetDim()))
	}
	shape, err := i.inputShape(in.GetName(), t.Shape.GetDim())
	if err != nil {
		return err
	}
	i.net.Input = network.Value{Name: "input", Shape: shape}
	i.values[in.GetName()] = value{name: "input", shape: shape}
	return nil
}

func kindName(kind schema.TensorProto_DataType) string {
	if text, ok := schema.TensorProto_DataType_name[int32(kind)]; ok {
		return text
	}
	return fmt.Sprintf("of unknown type %d", kind)
}

func quotedNames(all []*schema.ValueInfoProto) string {
	text := ""
	for _, v := range all {
		text += fmt.Sprintf(" %q", v.GetName())
	}
	return text
}

func dimsText(dims []*schema.TensorShapeProto_Dimension) string {
	text := "["
	for k, d := range dims {
		if k > 0 {
			text += " "
		}
		switch {
		case d.GetDimValue() > 0:
			text += fmt.Sprint(d.GetDimValue())
		case d.GetDimParam() != "":
			text += d.GetDimParam()
		default:
			text += "?"
		}
	}
	return text + "]"
}

// inputShape puts what the file says, the workload's batch and --input together.
func (i *importer) inputShape(name string, dims []*schema.TensorShapeProto_Dimension) ([]int, error) {
	shape := make([]int, 4)
	batch := i.options.Batch
	if dims != nil && dims[0].GetDimValue() > 0 && dims[0].GetDimValue() <= network.MaxExtent {
		i.fixed = int(dims[0].GetDimValue())
	}
	if batch == 0 {
		batch = max(i.fixed, 1)
	}
	wanted := append([]int{batch}, i.options.Input...)
	for k := range 4 {
		stated := int64(0)
		if dims != nil {
			stated = dims[k].GetDimValue()
		}
		switch {
		case stated > network.MaxExtent:
			return nil, fmt.Errorf("input %q is %s, which is no image", name, dimsText(dims))
		case k == 0 && stated > 0 && stated != int64(wanted[0]):
			return nil, fmt.Errorf("batch %d: the file fixes its batch to %d (input %q is %s); ask for batch %d, or export the network with a batch that is open",
				wanted[0], stated, name, dimsText(dims), stated)
		case k < len(wanted) && stated > 0 && stated != int64(wanted[k]):
			return nil, fmt.Errorf("input %dx%dx%d: the file fixes input %q to %s", wanted[1], wanted[2], wanted[3], name, dimsText(dims))
		case k < len(wanted):
			shape[k] = wanted[k]
		case stated > 0:
			shape[k] = int(stated)
		default:
			return nil, fmt.Errorf("input %q is %s, which leaves its size open; say it as --input CxHxW, like --input 3x224x224", name, dimsText(dims))
		}
		if shape[k] < 1 || shape[k] > network.MaxExtent {
			return nil, fmt.Errorf("input: %d is no size of an image", shape[k])
		}
	}
	return shape, nil
}

// outputs makes the first output the logits, [N classes].
func (i *importer) outputs() error {
	seen := map[string]bool{}
	for k, out := range i.file.Graph.Output {
		v, ok := i.values[out.GetName()]
		if !ok || v.known() || v.name == "input" {
			return fmt.Errorf("output %q is made by no node", out.GetName())
		}
		if v.zeros != nil {
			return fmt.Errorf("output %q is padded by %v, which dlbench has before convolutions and pools", out.GetName(), v.zeros)
		}
		if err := i.follows(out, v.shape); err != nil {
			return err
		}
		name := v.name
		if k == 0 {
			var err error
			if name, err = i.logits(out.GetName(), v); err != nil {
				return err
			}
		}
		if !seen[name] {
			i.net.Outputs = append(i.net.Outputs, name)
		}
		seen[name] = true
	}
	i.rename(i.net.Outputs[0], "logits")
	i.net.Outputs[0] = "logits"
	return nil
}

// follows compares a declared shape with the one that the nodes make.
func (i *importer) follows(out *schema.ValueInfoProto, shape []int) error {
	declared := out.GetType().GetTensorType().GetShape()
	if declared == nil {
		return nil
	}
	wrong := len(declared.Dim) != len(shape)
	for k := 0; k < len(shape) && !wrong; k++ {
		d := declared.Dim[k].GetDimValue()
		wrong = d > 0 && d != int64(shape[k])
	}
	if wrong {
		return fmt.Errorf("output %q is declared as %s, and its nodes make %v", out.GetName(), dimsText(declared.Dim), shape)
	}
	return nil
}

func (i *importer) logits(output string, v value) (string, error) {
	if len(v.shape) < 2 || elements(v.shape[2:]) != 1 {
		return "", fmt.Errorf("output %q is %v, wants one row of classes for each image, [N classes]", output, v.shape)
	}
	if i.options.Training {
		v = i.withoutSoftmax(v)
	}
	if len(v.shape) == 2 {
		if v.name == "input" {
			return "", fmt.Errorf("output %q is made by no node", output)
		}
		return v.name, nil
	}
	flat, err := i.add(&node{name: output + ".flatten", outputs: []string{output + ".flatten"}}, "Flatten", network.Attributes{"axis": 1}, []value{v})
	if err != nil {
		return "", fmt.Errorf("output %q: %w", output, err)
	}
	i.fold("output %q: %v is flattened to %v", output, v.shape, flat.shape)
	return flat.name, nil
}

// withoutSoftmax leaves a Softmax at the end to the loss, which has one.
func (i *importer) withoutSoftmax(v value) value {
	at, ok := i.makers[v.name]
	if !ok || at != len(i.net.Nodes)-1 || i.net.Nodes[at].Op != "Softmax" || len(i.file.Graph.Output) > 1 {
		return v
	}
	last := i.net.Nodes[at]
	i.net.Nodes = i.net.Nodes[:at]
	i.fold("Softmax %q: it is in the loss while training", last.Name)
	return value{name: last.Inputs[0], shape: last.Shape}
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
	if !i.options.Training || !last || axis != 1 || elements(x.shape[2:]) != 1 {
		return nil, fmt.Errorf("dlbench has it at the end of a network that is trained, over the classes, where it is in the loss; export the network without it")
	}
	i.foldNode(n, "it is in the loss while training")
	return []value{x}, nil
}

func (i *importer) rename(from, to string) {
	for k := range i.net.Nodes {
		n := &i.net.Nodes[k]
		if n.Output == from {
			n.Output = to
		}
		for j := range n.Inputs {
			if n.Inputs[j] == from {
				n.Inputs[j] = to
			}
		}
	}
	for k := range i.net.Outputs {
		if i.net.Outputs[k] == from {
			i.net.Outputs[k] = to
		}
	}
}
