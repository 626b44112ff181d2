package onnx

import (
	"fmt"
	"strconv"
	"strings"

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
		return fmt.Errorf("input %q has no shape; say it %s", in.GetName(), asInput)
	}
	if axes := len(t.Shape.GetDim()); t.Shape != nil && axes != 4 && axes != 5 {
		return fmt.Errorf("input %q is %s, wants [N C H W] or [N C D H W]", in.GetName(), dimsText(t.Shape.GetDim()))
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

// asInput says how a size that a file leaves open is given.
const asInput = "as --input CxHxW, like --input 3x224x224, or CxDxHxW of volumes"

// inputShape puts what the file says, the workload's batch and --input together.
func (i *importer) inputShape(name string, dims []*schema.TensorShapeProto_Dimension) ([]int, error) {
	batch := i.options.Batch
	if dims != nil && dims[0].GetDimValue() > 0 && dims[0].GetDimValue() <= network.MaxExtent {
		i.fixed = int(dims[0].GetDimValue())
	}
	if batch == 0 {
		batch = max(i.fixed, 1)
	}
	wanted := append([]int{batch}, i.options.Input...)
	if dims != nil && i.options.Input != nil && len(wanted) != len(dims) {
		return nil, fmt.Errorf("input %s: the file wants %d numbers, input %q is %s", times(i.options.Input), len(dims)-1, name, dimsText(dims))
	}
	shape := make([]int, max(len(dims), len(wanted)))
	for k := range shape {
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
			return nil, fmt.Errorf("input %s: the file fixes input %q to %s", times(i.options.Input), name, dimsText(dims))
		case k < len(wanted):
			shape[k] = wanted[k]
		case stated > 0:
			shape[k] = int(stated)
		default:
			return nil, fmt.Errorf("input %q is %s, which leaves its size open; say it %s", name, dimsText(dims), asInput)
		}
		if shape[k] < 1 || shape[k] > network.MaxExtent {
			return nil, fmt.Errorf("input: %d is no size of an image", shape[k])
		}
	}
	return shape, nil
}

// times is a size as people write it: 3x224x224.
func times(size []int) string {
	parts := make([]string, len(size))
	for k, extent := range size {
		parts[k] = strconv.Itoa(extent)
	}
	return strings.Join(parts, "x")
}

// outputs makes the first output the logits, [N classes], or those of each pixel.
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
