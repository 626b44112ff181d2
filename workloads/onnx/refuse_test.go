package onnx_test

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/dlbench/dlbench/workloads/onnx"
	"github.com/dlbench/dlbench/workloads/onnx/schema"
)

// edited writes a changed copy of fixed_batch_1.onnx.
func edited(t *testing.T, change func(*schema.ModelProto)) string {
	t.Helper()
	return changed(t, "fixed_batch_1.onnx", change)
}

// changed writes a changed copy of a file of the tests.
func changed(t *testing.T, name string, change func(*schema.ModelProto)) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var m schema.ModelProto
	if err := proto.Unmarshal(data, &m); err != nil {
		t.Fatal(err)
	}
	change(&m)
	if data, err = proto.Marshal(&m); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), filepath.Base(name))
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func node(m *schema.ModelProto, op string) *schema.NodeProto {
	for _, n := range m.Graph.Node {
		if n.GetOpType() == op {
			return n
		}
	}
	return nil
}

func initializer(m *schema.ModelProto, name string) *schema.TensorProto {
	for _, t := range m.Graph.Initializer {
		if t.GetName() == name {
			return t
		}
	}
	return nil
}

// on is an int attribute of 1.
func on(name string) *schema.AttributeProto {
	return &schema.AttributeProto{Name: proto.String(name), Type: schema.AttributeProto_INT.Enum(), I: proto.Int64(1)}
}

func setFloat(t *schema.TensorProto, k int, v float32) {
	binary.LittleEndian.PutUint32(t.RawData[4*k:], math.Float32bits(v))
}

// widened makes float64 of a float32 tensor, with another number at place k.
func widened(t *schema.TensorProto, k int, v float64) {
	raw := make([]byte, 2*len(t.RawData))
	for at := 0; at < len(t.RawData); at += 4 {
		wide := float64(math.Float32frombits(binary.LittleEndian.Uint32(t.RawData[at:])))
		if at == 4*k {
			wide = v
		}
		binary.LittleEndian.PutUint64(raw[2*at:], math.Float64bits(wide))
	}
	t.DataType, t.RawData = proto.Int32(11), raw
}

// fixed_batch_1 is conv a, batch norm b, relu r, conv d, add e, relu f, pool
// gap, flatten flat, gemm logits, of images x [1 3 32 32].
func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*schema.ModelProto)
		want   string
	}{
		{"old IR", func(m *schema.ModelProto) { m.IrVersion = proto.Int64(2) }, "IR version 2, dlbench reads 3 to 11"},
		{"new IR", func(m *schema.ModelProto) { m.IrVersion = proto.Int64(12) }, "IR version 12, dlbench reads 3 to 11"},
		{"old opset", func(m *schema.ModelProto) { m.OpsetImport[0].Version = proto.Int64(6) }, "opset 6, dlbench reads 7 to 23"},
		{"new opset", func(m *schema.ModelProto) { m.OpsetImport[0].Version = proto.Int64(24) }, "opset 24, dlbench reads 7 to 23"},
		{"no opset", func(m *schema.ModelProto) { m.OpsetImport = nil }, "does not say which opset"},
		{"no graph", func(m *schema.ModelProto) { m.Graph = nil }, "it has no graph"},
		{"no output", func(m *schema.ModelProto) { m.Graph.Output = nil }, "the graph has no output"},
		{"all missing operators", func(m *schema.ModelProto) {
			m.Graph.Node[0].OpType, m.Graph.Node[3].OpType = proto.String("Einsum"), proto.String("Einsum")
			m.Graph.Node[1].Domain, m.Graph.Node[1].Name = proto.String("com.microsoft"), proto.String("norm 1")
		}, `operators that dlbench does not have: Einsum (first in node "a"), com.microsoft.BatchNormalization (first in node "norm 1")`},
		{"training mode", func(m *schema.ModelProto) {
			n := node(m, "BatchNormalization")
			n.Attribute = []*schema.AttributeProto{on("training_mode")}
		}, `node "b" (BatchNormalization): it is in training mode; export the network for inference`},
		{"statistics come out", func(m *schema.ModelProto) {
			n := node(m, "BatchNormalization")
			n.Output = append(n.Output, "mean")
			node(m, "Add").Input[0] = "mean"
		}, `node "b" (BatchNormalization): something reads its output "mean"`},
		{"NaN", func(m *schema.ModelProto) { setFloat(initializer(m, "c1"), 7, float32(math.NaN())) }, `weight "c1": it holds NaN, wants finite numbers`},
		{"infinity", func(m *schema.ModelProto) { setFloat(initializer(m, "fc.b"), 0, float32(math.Inf(-1))) }, `weight "fc.b": it holds -Inf`},
		{"negative variance", func(m *schema.ModelProto) { setFloat(initializer(m, "b.v"), 0, -1) }, `weight "b.v": a variance is -1`},
		{"truncated weight", func(m *schema.ModelProto) {
			w := initializer(m, "c0")
			w.RawData = w.RawData[:len(w.RawData)-4]
		}, `node "a" (Conv): initializer "c0": it holds 1724 bytes, its shape wants 1728: truncated`},
		{"whole numbers as weights", func(m *schema.ModelProto) { initializer(m, "c0").DataType = proto.Int32(3) }, `initializer "c0": its numbers are int8, dlbench reads float32, float16, bfloat16 and float64`},
		{"half as many bytes", func(m *schema.ModelProto) { initializer(m, "c0").DataType = proto.Int32(10) }, `initializer "c0": it holds 1728 bytes, its shape wants 864: truncated`},
		{"beyond float32", func(m *schema.ModelProto) { widened(initializer(m, "c0"), 5, 3.41e38) }, `weight "c0": it holds 3.41e+38, which is beyond float32`},
		{"infinite already", func(m *schema.ModelProto) { widened(initializer(m, "c0"), 5, math.Inf(1)) }, `weight "c0": it holds +Inf, wants finite numbers`},
		{"cast to whole numbers", func(m *schema.ModelProto) {
			n := node(m, "Relu")
			n.OpType, n.Attribute = proto.String("Cast"), []*schema.AttributeProto{{Name: proto.String("to"), Type: schema.AttributeProto_INT.Enum(), I: proto.Int64(7)}}
		}, `node "r" (Cast): to type 7, dlbench computes in float32`},
		{"two inputs", func(m *schema.ModelProto) {
			m.Graph.Input = append(m.Graph.Input, &schema.ValueInfoProto{Name: proto.String("mask")})
		}, `it has 2 inputs "x" "mask", wants one: the images`},
		{"no size", func(m *schema.ModelProto) {
			m.Graph.Input[0].Type.GetTensorType().Shape.Dim[2] = &schema.TensorShapeProto_Dimension{Value: &schema.TensorShapeProto_Dimension_DimParam{DimParam: "height"}}
		}, `input "x" is [1 3 height 32], which leaves its size open; say it as --input CxHxW`},
		{"other output", func(m *schema.ModelProto) {
			m.Graph.Output[0].Type.GetTensorType().Shape.Dim[1] = &schema.TensorShapeProto_Dimension{Value: &schema.TensorShapeProto_Dimension_DimValue{DimValue: 11}}
		}, `output "logits" is declared as [1 11], and its nodes make [1 10]`},
		{"division by nothing", func(m *schema.ModelProto) {
			m.Graph.Initializer = append(m.Graph.Initializer, &schema.TensorProto{Name: proto.String("rows"), DataType: proto.Int32(7), Dims: []int64{2}, Int64Data: []int64{1, -1}},
				&schema.TensorProto{Name: proto.String("none"), DataType: proto.Int32(7), Dims: []int64{2}, Int64Data: []int64{1, 0}})
			m.Graph.Node = append([]*schema.NodeProto{{OpType: proto.String("Div"), Name: proto.String("part"), Input: []string{"rows", "none"}, Output: []string{"shape"}}}, m.Graph.Node...)
			n := node(m, "Flatten")
			n.OpType, n.Attribute, n.Input = proto.String("Reshape"), nil, append(n.Input, "shape")
		}, `node "part" (Div): it divides by 0`},
		{"no classes", func(m *schema.ModelProto) {
			rows := &schema.TensorProto{Name: proto.String("rows"), DataType: proto.Int32(7), Dims: []int64{3}, Int64Data: []int64{0, 16, -1}}
			m.Graph.Initializer = append(m.Graph.Initializer, rows)
			m.Graph.Node = append(m.Graph.Node, &schema.NodeProto{OpType: proto.String("Reshape"), Input: []string{"f", "rows"}, Output: []string{"long"}})
			m.Graph.Output[0] = &schema.ValueInfoProto{Name: proto.String("long")}
		}, `output "long" is [1 16 1024], wants one row of classes for each image, [N classes], or for each of its pixels`},
		{"a name nobody makes", func(m *schema.ModelProto) { node(m, "Add").Input[1] = "nobody" }, `node "e" (Add): input "nobody" is made by no earlier node`},
		{"a loop", func(m *schema.ModelProto) { node(m, "Relu").Input[0] = "f" }, `node "r" (Relu): input "f" is made by no earlier node`},
		{"shapes disagree", func(m *schema.ModelProto) { node(m, "Add").Input[1] = "x" }, `node "e" (Add): inputs disagree on shape`},
		{"attribute type", func(m *schema.ModelProto) {
			n := node(m, "Conv")
			n.Attribute = []*schema.AttributeProto{on("pads")}
		}, `node "a" (Conv): attribute "pads": wants a list of ints`},
		{"negative pads", func(m *schema.ModelProto) { node(m, "Conv").Attribute[0].Ints = []int64{-1, 0, 0, 0} }, `node "a" (Conv): attribute "pads": [-1 0 0 0], wants ints of at least 0`},
		{"mirrored pads", func(m *schema.ModelProto) {
			padBefore(m, "Conv", schema.AttributeProto_STRING, "reflect")
		}, `node "padded" (Pad): mode reflect, dlbench pads with zeros`},
		{"zeros that would win", func(m *schema.ModelProto) {
			padBefore(m, "Add", 0, "")
			node(m, "Add").OpType, node(m, "Add").Input = proto.String("MaxPool"), []string{"padded"}
			node(m, "MaxPool").Attribute = []*schema.AttributeProto{{Name: proto.String("kernel_shape"), Type: schema.AttributeProto_INTS.Enum(), Ints: []int64{3, 3}}}
		}, `node "e" (MaxPool): the zeros of the Pad before it would win over what is below 0`},
		{"zeros that nobody takes", func(m *schema.ModelProto) { padBefore(m, "Add", 0, "") }, `node "e" (Add): input "padded" is padded by [1 1 1 1], which dlbench has before convolutions and pools`},
		{"outside of the folder", func(m *schema.ModelProto) { beside(initializer(m, "c0"), "../weights") }, `external data: location "../weights", wants the name of a file beside the model`},
		{"absolute", func(m *schema.ModelProto) { beside(initializer(m, "c0"), "/etc/passwd") }, `external data: location "/etc/passwd", wants the name of a file beside the model`},
		{"no file", func(m *schema.ModelProto) { beside(initializer(m, "c0"), "nowhere") }, `nowhere: no such file`},
		{"a directory", func(m *schema.ModelProto) { beside(initializer(m, "c0"), ".") }, `external data`},
		{"shape of a giant", func(m *schema.ModelProto) { initializer(m, "c0").Dims = []int64{1 << 40, 1 << 40, 1 << 40, 3} }, "is no shape"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := edited(t, c.change)
			_, err := onnx.Read(path, onnx.Options{Batch: 1})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if !strings.HasPrefix(err.Error(), path+": ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q is not one line that begins with the file", err)
			}
		})
	}
}

// padBefore puts a Pad before the first input of a node.
func padBefore(m *schema.ModelProto, op string, kind schema.AttributeProto_AttributeType, mode string) {
	m.Graph.Initializer = append(m.Graph.Initializer, &schema.TensorProto{Name: proto.String("pads"), DataType: proto.Int32(7), Dims: []int64{8},
		Int64Data: []int64{0, 0, 1, 1, 0, 0, 1, 1}})
	at := slices.Index(m.Graph.Node, node(m, op))
	padding := &schema.NodeProto{OpType: proto.String("Pad"), Input: []string{m.Graph.Node[at].Input[0], "pads"}, Output: []string{"padded"}}
	if mode != "" {
		padding.Attribute = []*schema.AttributeProto{{Name: proto.String("mode"), Type: kind.Enum(), S: []byte(mode)}}
	}
	m.Graph.Node[at].Input[0] = "padded"
	m.Graph.Node = slices.Insert(m.Graph.Node, at, padding)
}

func beside(t *schema.TensorProto, location string) {
	t.DataLocation, t.RawData = schema.TensorProto_EXTERNAL.Enum(), nil
	t.ExternalData = []*schema.StringStringEntryProto{{Key: proto.String("location"), Value: proto.String(location)}}
}

func TestFilesThatAreNone(t *testing.T) {
	dir := t.TempDir()
	whole, err := os.ReadFile("testdata/fixed_batch_1.onnx")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"empty": {}, "text": []byte("once upon a time\n"), "cut": whole[:len(whole)-100], "messages": []byte(strings.Repeat("\x3a\x02\x0a\x00", 1<<20)),
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := onnx.Read(path, onnx.Options{Batch: 1}); err == nil || !strings.Contains(err.Error(), "not an ONNX file") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := onnx.Read(dir, onnx.Options{Batch: 1}); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a directory: %v", err)
	}
}

func TestGivenFilesThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		file    string
		options onnx.Options
		want    string
	}{
		{"too_new.onnx", onnx.Options{Batch: 2}, "IR version 99, dlbench reads 3 to 11"},
		{"unet3d.onnx", onnx.Options{Batch: 2}, `batch 2: the file fixes its batch to 1 (input "x" is [1 1 16 16 16])`},
		{"unet3d.onnx", onnx.Options{Input: []int{1, 16, 16}}, `input 1x16x16: the file wants 4 numbers, input "x" is [1 1 16 16 16]`},
		{"unet3d.onnx", onnx.Options{Input: []int{1, 8, 16, 16}}, `input 1x8x16x16: the file fixes input "x" to [1 1 16 16 16]`},
		{"fixed_batch_1.onnx", onnx.Options{Input: []int{3, 8, 32, 32}}, `input 3x8x32x32: the file wants 3 numbers, input "x" is [1 3 32 32]`},
		{"fixed_batch_1.onnx", onnx.Options{Batch: 8}, "batch 8: the file fixes its batch to 1"},
		{"dynamic_batch_external.onnx", onnx.Options{Batch: 8, Input: []int{3, 64, 64}}, `input 3x64x64: the file fixes input "x" to [batch 3 32 32]`},
		{"dynamic_batch_external.onnx", onnx.Options{Batch: -1}, "batch -1, wants a positive number"},
	} {
		if _, err := onnx.Read(filepath.Join("testdata", c.file), c.options); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.file, err, c.want)
		}
	}
}

// Weights beside the model are found, whole or refused; a link may not lead out.
func TestWeightsBesideTheModel(t *testing.T) {
	dir := t.TempDir()
	model, data := filepath.Join(dir, "m.onnx"), filepath.Join(dir, "dynamic_batch_external.onnx.data")
	weights, err := os.ReadFile("testdata/dynamic_batch_external.onnx.data")
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile("testdata/dynamic_batch_external.onnx")
	if err != nil {
		t.Fatal(err)
	}
	write := func(path string, data []byte) {
		t.Helper()
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(model, content)
	read := func(want string) *onnx.Model {
		t.Helper()
		m, err := onnx.Read(model, onnx.Options{Batch: 3})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Fatalf("got %v, want %q", err, want)
		}
		return m
	}
	read("dynamic_batch_external.onnx.data: no such file")
	write(data, weights[:len(weights)-4])
	read("has 11876 bytes, wants 40 from byte 11840 on: truncated")
	write(data, weights)
	first := read("")
	if first.Network.Input.Shape[0] != 3 {
		t.Errorf("the open batch is %v, want 3", first.Network.Input.Shape)
	}
	// The digest is of the weights too.
	changed := append([]byte{}, weights...)
	changed[5] ^= 1
	write(data, changed)
	if second := read(""); second.SHA256 == first.SHA256 {
		t.Error("other weights have the same digest")
	}
	if err := os.Remove(data); err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(t.TempDir(), "weights")
	write(outside, weights)
	if err := os.Symlink(outside, data); err != nil {
		t.Fatal(err)
	}
	read("path escapes from parent")
}

func TestWarnings(t *testing.T) {
	path := edited(t, func(m *schema.ModelProto) {
		setFloat(initializer(m, "c1"), 3, 1e-40)
		setFloat(initializer(m, "c1"), 4, -1e-39)
		for k := range len(initializer(m, "fc.w").RawData) / 4 {
			setFloat(initializer(m, "fc.w"), k, 0.25)
		}
	})
	m, err := onnx.Read(path, onnx.Options{Batch: 1})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Warnings) != 2 || m.Warnings[0].Code != onnx.Denormals || !strings.HasPrefix(m.Warnings[0].Text, "2 weights are denormal") ||
		m.Warnings[1].Code != onnx.Constants || !strings.HasPrefix(m.Warnings[1].Text, "1 of 8 weight tensors") {
		t.Errorf("warnings %q", m.Warnings)
	}
}
