package network_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/workloads/network"
)

var (
	volume = []int{2, 4, 9, 8, 5}
	conv3d = attrs{"kernel_shape": []int{3, 3, 3}, "strides": []int{1, 2, 1}, "pads": []int{1, 0, 2, 0, 1, 2}, "dilations": []int{1, 1, 2}, "group": 1}
	max3d  = attrs{"kernel_shape": []int{2, 3, 2}, "strides": []int{2, 2, 1}, "pads": []int{0, 1, 0, 0, 1, 0}, "dilations": []int{1, 1, 1}, "ceil_mode": 0}
	up3d   = attrs{"kernel_shape": []int{2, 3, 1}, "strides": []int{2, 2, 1}, "pads": []int{0, 1, 0, 0, 1, 0}, "dilations": []int{1, 1, 1}, "group": 1,
		"output_padding": []int{0, 1, 0}}
	linear3d = attrs{"mode": "linear", "scales": []int{2, 1, 3}, "coordinate_transformation_mode": "half_pixel", "nearest_mode": "floor"}
)

// By hand: out = floor((in + pads - dilation*(kernel-1) - 1) / stride) + 1 along
// each axis, and for the transposed stride*(in-1) + padding + kernel - pads.
func TestShapesOfVolumes(t *testing.T) {
	for _, c := range []struct {
		name, op   string
		attributes attrs
		inputs     [][]int
		parameters [][]int
		want       []int
	}{
		{"conv", "Conv", conv3d, [][]int{volume}, [][]int{{6, 4, 3, 3, 3}, {6}}, []int{2, 6, 8, 4, 5}},
		{"conv transpose", "ConvTranspose", up3d, [][]int{volume}, [][]int{{4, 6, 2, 3, 1}}, []int{2, 6, 18, 16, 5}},
		{"max pool", "MaxPool", max3d, [][]int{volume}, nil, []int{2, 4, 4, 4, 4}},
		{"max pool ceils", "MaxPool", with(max3d, "ceil_mode", 1), [][]int{volume}, nil, []int{2, 4, 5, 5, 4}},
		{"global average", "GlobalAveragePool", attrs{}, [][]int{volume}, nil, []int{2, 4, 1, 1, 1}},
		{"batch norm", "BatchNormalization", batchNorm, [][]int{volume}, [][]int{{4}, {4}, {4}, {4}}, volume},
		{"instance norm", "InstanceNormalization", attrs{"epsilon": 1e-5}, [][]int{volume}, [][]int{{4}, {4}}, volume},
		{"instance norm of images", "InstanceNormalization", attrs{"epsilon": 1e-5}, [][]int{{2, 4, 3, 5}}, [][]int{{4}, {4}}, []int{2, 4, 3, 5}},
		{"resize", "Resize", linear3d, [][]int{volume}, nil, []int{2, 4, 18, 8, 15}},
		{"concat", "Concat", attrs{"axis": 4}, [][]int{volume, volume}, nil, []int{2, 4, 9, 8, 10}},
		{"softmax", "Softmax", attrs{"axis": 4}, [][]int{volume}, nil, volume},
	} {
		got, err := network.Infer(c.op, c.attributes, c.inputs, c.parameters)
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v; want %v", c.name, got, err, c.want)
		}
	}
}

func TestVolumesRefused(t *testing.T) {
	for _, c := range []struct {
		op         string
		attributes attrs
		input      []int
		parameters [][]int
		want       string
	}{
		{"Conv", conv3d, []int{2, 4, 9, 8}, [][]int{{6, 4, 3, 3, 3}}, `attribute "kernel_shape": [3 3 3], wants 2 ints for input [2 4 9 8]`},
		{"Conv", with(conv3d, "pads", []int{1, 1, 1, 1}), volume, [][]int{{6, 4, 3, 3, 3}}, `attribute "pads": [1 1 1 1], wants 6 ints`},
		{"Conv", with(conv3d, "strides", []int{1, 1, 1, 1}), volume, [][]int{{6, 4, 3, 3, 3}}, `attribute "strides": [1 1 1 1], wants 2 or 3 ints`},
		{"Conv", conv3d, volume, [][]int{{6, 4, 3, 3}}, "weight is [6 4 3 3], wants [out in/group [3 3 3]]"},
		{"MaxPool", with(max3d, "dilations", []int{1, 1}), volume, nil, `attribute "dilations": [1 1], wants 3 ints`},
		{"Resize", with(linear3d, "scales", []int{2, 2}), volume, nil, `attribute "scales": [2 2], wants 3 ints`},
		{"LRN", lrn, volume, nil, "wants [N C H W]"},
		{"InstanceNormalization", attrs{"epsilon": 1e-5}, []int{2, 4}, [][]int{{4}, {4}}, "wants [N C H W] or [N C D H W]"},
	} {
		_, err := network.Infer(c.op, c.attributes, [][]int{c.input}, c.parameters)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.op, err, c.want)
		}
	}
}

// A framework may have an operator for images and not for volumes.
func TestNeedsOfVolumes(t *testing.T) {
	for _, c := range []struct {
		shape []int
		want  []string
	}{
		{[]int{1, 2, 4, 4}, []string{"GlobalAveragePool", "Relu"}},
		{[]int{1, 2, 4, 4, 4}, []string{"GlobalAveragePool.3d", "Relu"}},
	} {
		net := &network.Network{Name: "n", Opset: network.Opset, Input: network.Value{Name: "input", Shape: c.shape}, Outputs: []string{"r"},
			Nodes: []network.Node{
				{Name: "g", Op: "GlobalAveragePool", Inputs: []string{"input"}, Output: "g", Attributes: attrs{}},
				{Name: "r", Op: "Relu", Inputs: []string{"g"}, Output: "r", Attributes: attrs{}},
			}}
		if err := net.Check(); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, need := range net.Needs() {
			got = append(got, need.Operator)
			if !slices.Contains(network.Forms(), need.Operator) {
				t.Errorf("%s is no form", need.Operator)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("input %v needs %v, want %v", c.shape, got, c.want)
		}
	}
}
