package onnx_test

import (
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/onnx"
	"github.com/dlbench/dlbench/workloads/onnx/schema"
)

func read(t *testing.T, name string, o onnx.Options) *onnx.Model {
	t.Helper()
	m, err := onnx.Read(filepath.Join("testdata", name), o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestFoldsAreListed(t *testing.T) {
	for _, c := range []struct {
		file string
		want []string
	}{
		{"mnist_autopad.onnx", []string{
			`Conv "a": auto_pad SAME_UPPER is pads [2 2 2 2] at this size`,
			`Add "a2": is the bias of Conv "a"`,
			`Conv "c": auto_pad SAME_UPPER is pads [2 2 2 2] at this size`,
			`Add "c2": is the bias of Conv "c"`,
			`Reshape "f": is Flatten`,
			`MatMul "g": is Gemm, weight "fc" is transposed to [out in]`,
			`Add "Plus214_Output_0": is the bias of Gemm "g"`,
		}},
		{"cases/caffe-scale.onnx", []string{
			`Mul "m": is in the scale and shift of BatchNormalization "n"`,
			`Add "o": is in the shift of BatchNormalization "n"`,
		}},
		{"cases/norms-written-as-scales.onnx", []string{
			`Transpose "t": images come with their channels first, [4 3 9 8]`,
			`Mul "b": is in the weights of Conv "a"`,
			`Add "c": is the bias of Conv "a"`,
			`Mul "f": is in the weights of Conv "e"`,
			`Add "g": is the bias of Conv "e"`,
			`Mul "m": is in the weights of Conv "l"`,
			`weight "s": more than one node reads it, each has its own copy`,
			`MatMul "r": is Gemm, weight "fc" is transposed to [out in]`,
			`Mul "z": is in the weights of Gemm "r"`,
			`Add "y": is the bias of Gemm "r"`,
		}},
		{"cases/classes-as-a-map.onnx", []string{`output "y": [1 5 1 1] is flattened to [1 5]`}},
		{"cases/shared-and-unused.onnx", []string{
			"1 nodes that no output needs are left out",
			`weight "b": more than one node reads it, each has its own copy`,
			`weight "s": more than one node reads it, each has its own copy`,
			`weight "s": more than one node reads it, each has its own copy`,
			`weight "b": more than one node reads it, each has its own copy`,
			`weight "b": more than one node reads it, each has its own copy`,
			`weight "s": more than one node reads it, each has its own copy`,
		}},
	} {
		batch := 1
		if strings.HasPrefix(c.file, "cases/") && c.file != "cases/classes-as-a-map.onnx" {
			batch = 4
		}
		if m := read(t, c.file, onnx.Options{Batch: batch}); !slices.Equal(m.Folded, c.want) {
			t.Errorf("%s: folded\n%s\nwant\n%s", c.file, strings.Join(m.Folded, "\n"), strings.Join(c.want, "\n"))
		}
	}
}

// In training a scale is a parameter, wherever it stands.
func TestScalesAreTrained(t *testing.T) {
	scales := func(m *onnx.Model) (count int) {
		for _, n := range m.Network.Nodes {
			if n.Op == "Mul" {
				count++
			}
		}
		return count
	}
	inference := read(t, "cases/norms-written-as-scales.onnx", onnx.Options{Batch: 2})
	if n := scales(inference); n != 2 {
		t.Errorf("inference has %d scales, want the two that no shift follows", n)
	}
	path := edited(t, func(m *schema.ModelProto) {
		scale := &schema.TensorProto{Name: proto.String("scale"), DataType: proto.Int32(1), Dims: []int64{16, 1, 1}, FloatData: make([]float32, 16)}
		shift := &schema.TensorProto{Name: proto.String("shift"), DataType: proto.Int32(1), Dims: []int64{16, 1, 1}, FloatData: make([]float32, 16)}
		m.Graph.Initializer = append(m.Graph.Initializer, scale, shift)
		m.Graph.Node = slices.Insert(m.Graph.Node, 4, &schema.NodeProto{OpType: proto.String("Mul"), Input: []string{"d", "scale"}, Output: []string{"d1"}},
			&schema.NodeProto{OpType: proto.String("Add"), Input: []string{"d1", "shift"}, Output: []string{"d2"}})
		node(m, "Add").Input[0] = "d1"
		for _, n := range m.Graph.Node {
			if n.GetOutput()[0] == "e" {
				n.Input[0] = "d2"
			}
		}
	})
	for _, training := range []bool{false, true} {
		m, err := onnx.Read(path, onnx.Options{Training: training})
		if err != nil {
			t.Fatal(err)
		}
		if n := scales(m); (n == 1) != training {
			t.Errorf("training %v: %d scales", training, n)
		}
	}
}

func TestSameUpperAtAnEvenSize(t *testing.T) {
	m := read(t, "same_upper_stride2.onnx", onnx.Options{Batch: 2})
	if got := m.Network.Nodes[0].Attributes.Ints("pads"); !slices.Equal(got, []int{0, 0, 1, 1}) {
		t.Errorf("pads %v, want the odd one at the end: [0 0 1 1]", got)
	}
}

func TestNamesAreSafe(t *testing.T) {
	m := read(t, "cases/names-with-slashes.onnx", onnx.Options{Batch: 2})
	var names []string
	for _, n := range m.Network.Nodes {
		names = append(names, n.Name, n.Output)
	}
	for _, p := range m.Network.Parameters {
		names = append(names, p.Name)
	}
	want := []string{"n_conv_Conv", "n_conv_Conv_output_0", "input", "input_2", "a_b", "a_b", "a_b_2", "a.b", "a_b_3", "n1_2", "out_put", "logits", "n_conv_weight", "fc.w", "fc.b"}
	if !slices.Equal(names, want) {
		t.Errorf("names %q, want %q", names, want)
	}
	if name := m.Network.Name; !strings.HasPrefix(name, "names_with_slashes-") || len(name) != len("names_with_slashes-3f2a") {
		t.Errorf("the network is %q, want its file's name and four digits of its digest", name)
	}
}

// While training the softmax is in the loss; a second one would be another
// network.
func TestTrainingLeavesTheSoftmaxToTheLoss(t *testing.T) {
	for _, file := range []string{"cases/names-with-slashes.onnx", "cases/classes-as-a-map.onnx"} {
		for _, training := range []bool{false, true} {
			m := read(t, file, onnx.Options{Batch: 1, Training: training})
			has := slices.ContainsFunc(m.Network.Nodes, func(n network.Node) bool { return n.Op == "Softmax" })
			if has == training {
				t.Errorf("%s: training %v, and there is a Softmax: %v", file, training, has)
			}
		}
	}
}

// LogSoftmax at the end changes no softmax, and so no loss; what inference puts
// out it does change.
func TestLogSoftmaxIsInTheLoss(t *testing.T) {
	with := func(axis int64, more ...*schema.ValueInfoProto) string {
		return edited(t, func(m *schema.ModelProto) {
			m.Graph.Node = append(m.Graph.Node, &schema.NodeProto{OpType: proto.String("LogSoftmax"), Name: proto.String("ls"), Input: []string{"logits"}, Output: []string{"log"},
				Attribute: []*schema.AttributeProto{{Name: proto.String("axis"), Type: schema.AttributeProto_INT.Enum(), I: proto.Int64(axis)}}})
			m.Graph.Output = append([]*schema.ValueInfoProto{{Name: proto.String("log")}}, more...)
		})
	}
	plain := read(t, "fixed_batch_1.onnx", onnx.Options{Training: true})
	m, err := onnx.Read(with(-1), onnx.Options{Training: true, Name: plain.Network.Name})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(m.Network, plain.Network) || !slices.Contains(m.Folded, `LogSoftmax "ls": it is in the loss while training`) {
		t.Errorf("folded %q, the network is %+v", m.Folded, m.Network)
	}
	for name, c := range map[string]struct {
		path     string
		training bool
	}{
		"inference":      {with(-1), false},
		"over the batch": {with(0), true},
		"two outputs":    {with(-1, &schema.ValueInfoProto{Name: proto.String("logits")}), true},
	} {
		if _, err := onnx.Read(c.path, onnx.Options{Training: c.training}); err == nil || !strings.Contains(err.Error(), `node "ls" (LogSoftmax): dlbench has it at the end of a network that is trained`) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSharedWeightsCannotBeTrained(t *testing.T) {
	path := edited(t, func(m *schema.ModelProto) {
		m.Graph.Node = slices.Insert(m.Graph.Node, 4, &schema.NodeProto{OpType: proto.String("Conv"), Input: []string{"d", "c1"}, Output: []string{"d2"},
			Attribute: m.Graph.Node[3].Attribute})
		node(m, "Add").Input[0] = "d2"
	})
	if _, err := onnx.Read(path, onnx.Options{Batch: 1}); err != nil {
		t.Errorf("inference: %v", err)
	}
	_, err := onnx.Read(path, onnx.Options{Batch: 1, Training: true})
	if err == nil || !strings.Contains(err.Error(), `weight "c1" is parameter "c1" already: nodes that share weights cannot be trained here`) {
		t.Errorf("training: %v", err)
	}
}

// Half and double precision of a whole file are storage: the workload says in
// which precision is computed.
func TestOtherPrecisionsAreRead(t *testing.T) {
	plain := read(t, "fixed_batch_1.onnx", onnx.Options{})
	path := edited(t, func(m *schema.ModelProto) {
		for _, w := range m.Graph.Initializer {
			widened(w, -1, 0)
		}
		m.Graph.Input[0].Type.GetTensorType().ElemType = proto.Int32(11)
		m.Graph.Node = slices.Insert(m.Graph.Node, 3, &schema.NodeProto{OpType: proto.String("Cast"), Input: []string{"r"}, Output: []string{"r16"},
			Attribute: []*schema.AttributeProto{{Name: proto.String("to"), Type: schema.AttributeProto_INT.Enum(), I: proto.Int64(10)}}})
		m.Graph.Node[4].Input[0] = "r16"
	})
	m, err := onnx.Read(path, onnx.Options{Name: plain.Network.Name})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(m.Network, plain.Network) {
		t.Errorf("the network is %+v, want %+v", m.Network, plain.Network)
	}
	for _, p := range m.Network.Parameters {
		got, err := m.Values(p.Name)
		if err != nil {
			t.Fatal(err)
		}
		want, err := plain.Values(p.Name)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s differs", p.Name)
		}
	}
	want := []string{
		`input "x" is float64: all is computed in float32, or in the workload's precision`,
		`Cast "r16": to float16 is left out: all is computed in float32, or in the workload's precision`,
		`8 weights are float64, which are rounded to float32`,
	}
	if !slices.Equal(m.Folded, want) {
		t.Errorf("folded %q, want %q", m.Folded, want)
	}
}

// The numbers that IEEE 754 has for its 16 bits, denormal ones and both zeros
// among them.
func TestHalfPrecision(t *testing.T) {
	table := []struct {
		bits uint16
		want float32
	}{
		{0x0001, 0x1p-24}, {0x8001, -0x1p-24}, {0x03ff, 0x1p-14 - 0x1p-24}, {0x0400, 0x1p-14}, {0x3c00, 1},
		{0x7bff, 65504}, {0xfbff, -65504}, {0x0000, 0}, {0xc500, -5}, {0x3555, 0.333251953125},
	}
	path := edited(t, func(m *schema.ModelProto) {
		b := initializer(m, "fc.b")
		b.DataType, b.RawData = proto.Int32(10), nil
		for _, row := range table {
			b.Int32Data = append(b.Int32Data, int32(row.bits))
		}
	})
	m, err := onnx.Read(path, onnx.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.Values("fc.b")
	if err != nil || len(got) != len(table) {
		t.Fatalf("%v, %v", got, err)
	}
	for k, row := range table {
		if got[k] != row.want {
			t.Errorf("%#04x is %v, want %v", row.bits, got[k], row.want)
		}
	}
	path = edited(t, func(m *schema.ModelProto) {
		b := initializer(m, "fc.b")
		b.DataType, b.RawData = proto.Int32(10), append([]byte{0, 0x7c}, make([]byte, 18)...)
	})
	if _, err = onnx.Read(path, onnx.Options{}); err == nil || !strings.Contains(err.Error(), `weight "fc.b": it holds +Inf`) {
		t.Errorf("infinity: %v", err)
	}
}

// The input's size comes from --input where the file leaves it open.
func TestInputSize(t *testing.T) {
	path := edited(t, func(m *schema.ModelProto) {
		m.Graph.Input[0].Type.GetTensorType().Shape = nil
		m.Graph.Output[0].Type.GetTensorType().Shape = nil
	})
	if _, err := onnx.Read(path, onnx.Options{Batch: 2}); err == nil || !strings.Contains(err.Error(), `input "x" has no shape; say it as --input CxHxW`) {
		t.Errorf("got %v", err)
	}
	m, err := onnx.Read(path, onnx.Options{Batch: 2, Input: []int{3, 17, 20}})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(m.Network.Input.Shape, []int{2, 3, 17, 20}) {
		t.Errorf("input %v", m.Network.Input.Shape)
	}
}

// A few bytes that ask for weights of gigabytes take no memory before someone
// wants the numbers.
func TestFillsTakeNoMemory(t *testing.T) {
	path := edited(t, func(m *schema.ModelProto) {
		shape := &schema.TensorProto{Name: proto.String("huge"), DataType: proto.Int32(7), Dims: []int64{2}, Int64Data: []int64{1 << 20, 1 << 14}}
		m.Graph.Initializer = append(m.Graph.Initializer, shape, &schema.TensorProto{Name: proto.String("small"), DataType: proto.Int32(7), Dims: []int64{2}, Int64Data: []int64{10, 1 << 20}})
		fill := func(from, to string) *schema.NodeProto {
			return &schema.NodeProto{OpType: proto.String("ConstantOfShape"), Input: []string{from}, Output: []string{to}}
		}
		dense := &schema.NodeProto{OpType: proto.String("Gemm"), Input: []string{"flat", "w"}, Output: []string{"wide"}, Attribute: []*schema.AttributeProto{on("transB")}}
		last := &schema.NodeProto{OpType: proto.String("Gemm"), Input: []string{"wide", "v"}, Output: []string{"logits"}, Attribute: []*schema.AttributeProto{on("transB")}}
		m.Graph.Initializer[len(m.Graph.Initializer)-2].Int64Data = []int64{1 << 20, 16}
		m.Graph.Node = append(m.Graph.Node[:len(m.Graph.Node)-1], fill("huge", "w"), dense, fill("small", "v"), last)
	})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m, err := onnx.Read(path, onnx.Options{Batch: 1})
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; taken > 4<<20 {
		t.Errorf("%d bytes for a file of 12 kB", taken)
	}
	values, err := m.Values("v")
	if err != nil || len(values) != 10<<20 || values[0] != 0 {
		t.Errorf("%d values, %v", len(values), err)
	}
}
