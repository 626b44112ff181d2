package onnx_test

import (
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/onnx"
	"github.com/dlbench/dlbench/workloads/onnx/schema"
)

func logits(m *onnx.Model) []int {
	for _, n := range m.Network.Nodes {
		if n.Output == "logits" {
			return n.Shape
		}
	}
	return nil
}

func having(m *onnx.Model, op string) int {
	n := 0
	for _, made := range m.Network.Nodes {
		if made.Op == op {
			n++
		}
	}
	return n
}

// The volume of an outside exporter comes in whole, with both of its outputs.
func TestVolume(t *testing.T) {
	m := read(t, "unet3d.onnx", onnx.Options{})
	var got []string
	for _, n := range m.Network.Nodes {
		got = append(got, n.Op)
	}
	if want := "Conv InstanceNormalization LeakyRelu ConvTranspose Conv"; strings.Join(got, " ") != want {
		t.Errorf("nodes %v, want %s", got, want)
	}
	if m.Batch != 1 || !slices.Equal(m.Network.Input.Shape, []int{1, 1, 16, 16, 16}) || !slices.Equal(logits(m), []int{1, 2, 16, 16, 16}) {
		t.Errorf("batch %d, input %v, logits %v", m.Batch, m.Network.Input.Shape, logits(m))
	}
	if !slices.Equal(m.Network.Outputs, []string{"logits", "c"}) {
		t.Errorf("outputs %q", m.Network.Outputs)
	}
	if got := m.Network.Nodes[0].Attributes.Ints("pads"); !slices.Equal(got, []int{1, 1, 1, 1, 1, 1}) {
		t.Errorf("pads %v", got)
	}
}

// What only names a volume's size goes, and what PyTorch writes for a group norm
// of single channels is an instance norm with their scales and shifts.
func TestFoldsOfVolumes(t *testing.T) {
	for file, want := range map[string]string{
		"volume-resized":       "Conv Resize Conv Resize Resize",
		"groups-as-instances":  "Conv InstanceNormalization Relu",
		"group-normalization":  "Conv InstanceNormalization Conv",
		"padded-to-the-skip":   "Conv MaxPool ConvTranspose Concat Conv Slice Slice Slice Slice Add Concat Conv",
		"channels-last-pixels": "Conv Relu Conv Softmax",
		"channels-last-volume": "Conv Relu Conv Mul",
		"residual-unit":        "Conv InstanceNormalization PRelu Conv Add ConvTranspose Sigmoid",
		"norm-of-one-image":    "Conv BatchNormalization Conv",
	} {
		var got []string
		batch := 2
		if file == "norm-of-one-image" {
			batch = 1
		}
		for _, n := range read(t, "cases/"+file+".onnx", onnx.Options{Batch: batch}).Network.Nodes {
			got = append(got, n.Op)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: nodes %v, want %s", file, got, want)
		}
	}
}

// While training the softmax of pixels is in the loss, wherever the file has its
// channels.
func TestPixelsAreTrainedBySoftmax(t *testing.T) {
	for file, shape := range map[string][]int{
		"cases/volume-segmented.onnx": {2, 3, 4, 4, 6}, "cases/channels-last-pixels.onnx": {2, 3, 6, 5}, "cases/channels-last-volume.onnx": {2, 2, 3, 2, 4},
	} {
		for _, training := range []bool{false, true} {
			m := read(t, file, onnx.Options{Batch: 2, Training: training})
			want := 1
			if training || strings.Contains(file, "last-volume") {
				want = 0
			}
			if got := having(m, "Softmax"); got != want || m.Loss != "" {
				t.Errorf("%s: training %v: %d softmaxes, loss %q", file, training, got, m.Loss)
			}
			if !slices.Equal(logits(m), shape) {
				t.Errorf("%s: training %v: logits %v, want %v", file, training, logits(m), shape)
			}
			if m.Network.Nodes[len(m.Network.Nodes)-1].Output != "logits" {
				t.Errorf("%s: training %v: the last node is not the logits'", file, training)
			}
		}
	}
	log := changed(t, "cases/channels-last-pixels.onnx", func(m *schema.ModelProto) { node(m, "Softmax").OpType = proto.String("LogSoftmax") })
	m, err := onnx.Read(log, onnx.Options{Batch: 2, Training: true})
	if err != nil || !slices.Equal(logits(m), []int{2, 3, 6, 5}) {
		t.Errorf("LogSoftmax: %v", err)
	}
	if _, err := onnx.Read(log, onnx.Options{Batch: 2}); err == nil || !strings.Contains(err.Error(), "(LogSoftmax): dlbench has it at the end of a network that is trained") {
		t.Errorf("LogSoftmax in inference: %v", err)
	}
}

// A Sigmoid at the end says of each class whether an image has it: it is in
// that loss while training.
func TestFindingsAreTrainedBySigmoid(t *testing.T) {
	path := edited(t, func(m *schema.ModelProto) {
		m.Graph.Node = append(m.Graph.Node, &schema.NodeProto{OpType: proto.String("Sigmoid"), Name: proto.String("s"), Input: []string{"logits"}, Output: []string{"found"}})
		m.Graph.Output[0].Name = proto.String("found")
	})
	for _, training := range []bool{false, true} {
		m, err := onnx.Read(path, onnx.Options{Training: training})
		if err != nil {
			t.Fatal(err)
		}
		wantLoss, wantNodes := "", 1
		if training {
			wantLoss, wantNodes = network.SigmoidCrossEntropy, 0
		}
		if n := having(m, "Sigmoid"); n != wantNodes || m.Loss != wantLoss {
			t.Errorf("training %v: %d sigmoids, loss %q", training, n, m.Loss)
		}
		if training != slices.Contains(m.Folded, `Sigmoid "s": it is in the loss while training`) {
			t.Errorf("training %v: folded %q", training, m.Folded)
		}
	}
}

// Pixels that have several classes or none, and pixels of one class, can be
// inferred and not trained.
func TestPixelsThatCannotBeTrained(t *testing.T) {
	plain := changed(t, "cases/residual-unit.onnx", func(m *schema.ModelProto) {
		m.Graph.Node = m.Graph.Node[:len(m.Graph.Node)-1]
		m.Graph.Output[0].Name = proto.String("f")
	})
	for path, want := range map[string]string{
		"testdata/cases/residual-unit.onnx": `output "y" is [2 1 6 8] with a Sigmoid, so that a pixel has several classes or none; dlbench trains pixels that have one of at least two`,
		plain:                               `output "f" is [2 1 6 8], and to train a network that labels pixels wants at least two classes`,
	} {
		if _, err := onnx.Read(path, onnx.Options{Batch: 2, Training: true}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("training: got %v, want %q", err, want)
		}
		if m, err := onnx.Read(path, onnx.Options{Batch: 2}); err != nil || !slices.Equal(logits(m), []int{2, 1, 6, 8}) {
			t.Errorf("inference: %v", err)
		}
	}
}

// nnU-Net has an output for each size while it is trained: the first is trained
// here.
func TestSeveralOutputsOfPixels(t *testing.T) {
	for _, training := range []bool{false, true} {
		m := read(t, "torch-several-outputs.onnx", onnx.Options{Batch: 2, Training: training})
		if !slices.Equal(logits(m), []int{2, 3, 8, 12, 8}) || len(m.Network.Outputs) != 2 || m.Network.Outputs[0] != "logits" {
			t.Errorf("training %v: logits %v, outputs %q", training, logits(m), m.Network.Outputs)
		}
	}
}

func TestRefusalsOfVolumes(t *testing.T) {
	for _, c := range []struct {
		name, file string
		change     func(*schema.ModelProto)
		want       string
	}{
		{"aligned corners", "volume-resized", func(m *schema.ModelProto) {
			node(m, "Resize").Attribute[0].S = []byte("align_corners")
		}, `(Resize): align_corners coordinates, dlbench has half_pixel and asymmetric ones; export the network with align_corners=False`},
		{"cubic", "volume-resized", func(m *schema.ModelProto) { node(m, "Resize").Attribute[1].S = []byte("cubic") }, `mode cubic, dlbench has nearest and linear`},
		{"not by whole numbers", "volume-resized", func(m *schema.ModelProto) {
			initializer(m, "scales").RawData = nil
			initializer(m, "scales").FloatData = []float32{1, 1, 1.5, 2, 1}
		}, `scales [1 1 1.5 2 1], dlbench resizes by whole numbers`},
		{"scales of an image", "volume-resized", func(m *schema.ModelProto) {
			initializer(m, "scales").RawData, initializer(m, "scales").Dims = nil, []int64{4}
			initializer(m, "scales").FloatData = []float32{1, 1, 2, 2}
		}, `it gives 4 scales or sizes for the axes [0 1 2 3 4]`},
		{"groups", "group-normalization", func(m *schema.ModelProto) { node(m, "GroupNormalization").Attribute[0].I = proto.Int64(2) }, `num_groups 2 of 4 channels, dlbench normalises each channel by itself`},
		{"groups that are reshaped", "groups-as-instances", func(m *schema.ModelProto) {
			initializer(m, "apart").RawData, initializer(m, "apart").Int64Data = nil, []int64{0, 1, -1}
		}, `(InstanceNormalization): it is of 1 groups of 3 channels, dlbench normalises each channel by itself`},
		{"a weight of images", "volume-segmented", func(m *schema.ModelProto) { initializer(m, "w").Dims = []int64{4, 1, 9, 2} }, `weight "w" is [4 1 9 2], wants [out in/group] and a kernel of 3 axes, as input [2 1 4 4 6] has`},
		{"strides of images", "volume-segmented", func(m *schema.ModelProto) {
			for _, a := range node(m, "MaxPool").Attribute {
				if a.GetName() == "strides" {
					a.Ints = []int64{2, 2}
				}
			}
		}, `(MaxPool): attribute "strides": wants 3 ints, it has [2 2]`},
		{"pads of images", "volume-segmented", func(m *schema.ModelProto) {
			for _, a := range node(m, "Conv").Attribute {
				if a.GetName() == "pads" {
					a.Ints = []int64{1, 1, 1, 1}
				}
			}
		}, `pads [1 1 1 1], wants 6: those at the beginning of each axis, then those at the end`},
		{"a mean of two axes", "volume-classified", func(m *schema.ModelProto) { node(m, "ReduceMean").Attribute[0].Ints = []int64{-1, 2} }, `over axes [2 4], dlbench has the mean over all axes behind the channels together, [2 3 4]`},
		{"more and less", "padded-to-the-skip", func(m *schema.ModelProto) {
			initializer(m, "less").RawData, initializer(m, "less").Int64Data = nil, []int64{0, 0, -1, -1, 0, 0, 1, -1}
		}, `pads [0 0 -1 -1 0 0 1 -1] with 0, dlbench pads the axes behind the channels with zeros, once`},
		{"more than one image", "norm-of-one-image", func(m *schema.ModelProto) {
			m.Graph.Initializer = append(m.Graph.Initializer, &schema.TensorProto{Name: proto.String("two"), DataType: proto.Int32(7), Dims: []int64{1}, Int64Data: []int64{2}})
			node(m, "Tile").Input[1] = "two"
		}, `(Tile): [2] times, dlbench has it only if it changes nothing`},
		{"expanded", "norm-of-one-image", func(m *schema.ModelProto) { node(m, "Expand").Input[1] = "size" }, `(Expand): from [4] to [1 4 6 5], dlbench has it only if it changes nothing`},
		{"beyond whole numbers", "volume-resized", func(m *schema.ModelProto) {
			initializer(m, "twice").RawData, initializer(m, "twice").FloatData = nil, []float32{1e30}
		}, `is no whole number of 53 bits`},
	} {
		t.Run(c.name, func(t *testing.T) {
			batch := 2
			if c.file == "norm-of-one-image" {
				batch = 1
			}
			_, err := onnx.Read(changed(t, "cases/"+c.file+".onnx", c.change), onnx.Options{Batch: batch})
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}
