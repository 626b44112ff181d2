package onnx

import (
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/dlbench/dlbench/workloads/atomicfile"
	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/onnx/schema"
)

// Export is a network with its weights, as a file holds them.
type Export struct {
	Network *network.Network
	Values  func(parameter string) ([]float32, error)
	Origin  Origin
}

// Write writes an ONNX file, whole or not at all. Its batch is open: any
// runtime takes any number of images. Read brings the same network back.
func Write(path string, e Export) error {
	data, err := e.encode()
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	err = atomicfile.Write(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func (e Export) encode() ([]byte, error) {
	w := writer{graph: &schema.GraphProto{Name: proto.String(e.Network.Name)}, names: naming{}, opset: network.Opset, ir: 8}
	w.names[e.Network.Input.Name] = 1
	for _, p := range e.Network.Parameters {
		w.names[p.Name] = 1
	}
	for _, n := range e.Network.Nodes {
		w.names[n.Output] = 1
	}
	w.graph.Input = []*schema.ValueInfoProto{openBatch(e.Network.Input.Name, e.Network.Input.Shape)}
	bytes := int64(0)
	for _, p := range e.Network.Parameters {
		if bytes += 4 * int64(elements(p.Shape)); bytes > mostBytes {
			return nil, fmt.Errorf("the weights have more than %d bytes, an ONNX file has at most that", int64(mostBytes))
		}
		values, err := e.Values(p.Name)
		if err != nil {
			return nil, err
		}
		w.floats(p.Name, values, p.Shape...)
	}
	shapes := map[string][]int{}
	for _, n := range e.Network.Nodes {
		shapes[n.Output] = n.Shape
		if err := w.node(n); err != nil {
			return nil, fmt.Errorf("node %q: %w", n.Name, err)
		}
	}
	for _, name := range e.Network.Outputs {
		w.graph.Output = append(w.graph.Output, openBatch(name, shapes[name]))
	}
	properties, err := e.Origin.properties(e.Network.Parameters)
	if err != nil {
		return nil, err
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(&schema.ModelProto{
		IrVersion: proto.Int64(w.ir), ProducerName: proto.String("dlbench"), Graph: w.graph, MetadataProps: properties,
		OpsetImport: []*schema.OperatorSetIdProto{{Domain: proto.String(""), Version: proto.Int64(w.opset)}},
	})
}

func openBatch(name string, shape []int) *schema.ValueInfoProto {
	dims := []*schema.TensorShapeProto_Dimension{{Value: &schema.TensorShapeProto_Dimension_DimParam{DimParam: "N"}}}
	for _, d := range shape[1:] {
		dims = append(dims, &schema.TensorShapeProto_Dimension{Value: &schema.TensorShapeProto_Dimension_DimValue{DimValue: int64(d)}})
	}
	return &schema.ValueInfoProto{Name: proto.String(name), Type: &schema.TypeProto{Value: &schema.TypeProto_TensorType{
		TensorType: &schema.TypeProto_Tensor{ElemType: proto.Int32(int32(schema.TensorProto_FLOAT)), Shape: &schema.TensorShapeProto{Dim: dims}}}}}
}

// writer makes a graph. Constants that ONNX takes as inputs become initialisers.
type writer struct {
	graph     *schema.GraphProto
	names     naming
	opset, ir int64
}

func (w *writer) floats(name string, values []float32, dims ...int) string {
	raw := make([]byte, 0, 4*len(values))
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	w.initializer(name, schema.TensorProto_FLOAT, raw, dims)
	return name
}

func (w *writer) whole(name string, values ...int) string {
	var raw []byte
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	name = w.names.take(name)
	w.initializer(name, schema.TensorProto_INT64, raw, []int{len(values)})
	return name
}

func (w *writer) scalar(name string, v float64) string {
	return w.floats(w.names.take(name), []float32{float32(v)})
}

func (w *writer) initializer(name string, kind schema.TensorProto_DataType, raw []byte, dims []int) {
	t := &schema.TensorProto{Name: proto.String(name), DataType: proto.Int32(int32(kind)), RawData: raw}
	for _, d := range dims {
		t.Dims = append(t.Dims, int64(d))
	}
	w.graph.Initializer = append(w.graph.Initializer, t)
}

// node writes one node. Attributes are ONNX's already, but for those that are
// inputs since some opset.
func (w *writer) node(n network.Node) error {
	inputs, attributes := append([]string{}, n.Inputs...), n.Attributes.Clone()
	moved := func(name string) { delete(attributes, name) }
	switch n.Op {
	case "Clip":
		inputs = append(inputs, w.scalar(n.Name+".min", attributes.Float("min")), w.scalar(n.Name+".max", attributes.Float("max")))
		moved("min")
		moved("max")
	case "Dropout":
		inputs = append(inputs, w.scalar(n.Name+".ratio", attributes.Float("ratio")))
		moved("ratio")
	case "Reshape":
		inputs = append(inputs, w.whole(n.Name+".shape", attributes.Ints("shape")...))
		moved("shape")
	case "Slice":
		for _, name := range []string{"start", "end", "axis"} {
			inputs = append(inputs, w.whole(n.Name+"."+name, attributes.Int(name)))
			moved(name)
		}
	case "Gelu":
		w.opset, w.ir = 20, 9 // the first that has it
	case "Resize":
		scales := []float32{1, 1}
		for _, scale := range attributes.Ints("scales") {
			scales = append(scales, float32(scale))
		}
		inputs = append(inputs, "", w.floats(w.names.take(n.Name+".scales"), scales, len(scales)))
		moved("scales")
	}
	out := &schema.NodeProto{Name: proto.String(n.Name), OpType: proto.String(n.Op), Input: inputs, Output: []string{n.Output}}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		a, err := attribute(name, attributes[name])
		if err != nil {
			return err
		}
		out.Attribute = append(out.Attribute, a)
	}
	w.graph.Node = append(w.graph.Node, out)
	return nil
}

func attribute(name string, v any) (*schema.AttributeProto, error) {
	a := &schema.AttributeProto{Name: proto.String(name)}
	switch v := v.(type) {
	case int:
		a.Type, a.I = schema.AttributeProto_INT.Enum(), proto.Int64(int64(v))
	case float64:
		a.Type, a.F = schema.AttributeProto_FLOAT.Enum(), proto.Float32(float32(v))
	case string:
		a.Type, a.S = schema.AttributeProto_STRING.Enum(), []byte(v)
	case []int:
		a.Type = schema.AttributeProto_INTS.Enum()
		for _, k := range v {
			a.Ints = append(a.Ints, int64(k))
		}
	default:
		return nil, fmt.Errorf("attribute %q: %T has no place in ONNX", name, v)
	}
	return a, nil
}
