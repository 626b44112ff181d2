package network_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/workloads/network"
)

type attrs = network.Attributes

// single is a network of one node under test. The parameters' roles follow the
// operator: batch norm's third and fourth are statistics.
func single(op string, a attrs, inputs [][]int, parameters ...[]int) *network.Network {
	net := &network.Network{Name: "n", Opset: network.Opset, Outputs: []string{"op"},
		Input: network.Value{Name: "input", Shape: []int{inputs[0][0], 64, 64, 64}}}
	node := network.Node{Name: "op", Op: op, Output: "op", Attributes: a}
	// Other inputs than [N 64 64 64] are not needed: sources reshape it by pools.
	for i, shape := range inputs {
		name := source(net, i, shape)
		node.Inputs = append(node.Inputs, name)
	}
	for i, shape := range parameters {
		p := network.Parameter{Name: "p" + string(rune('0'+i)), Shape: shape, Role: network.Trainable, Init: network.Init{Kind: "normal", Std: 1}}
		if op == "BatchNormalization" && i == 2 {
			p.Role = network.RunningMean
		}
		if op == "BatchNormalization" && i == 3 {
			p.Role, p.Init = network.RunningVariance, network.Init{Kind: "uniform", Low: 0.5, High: 1}
		}
		net.Parameters = append(net.Parameters, p)
		node.Inputs = append(node.Inputs, p.Name)
	}
	net.Nodes = append(net.Nodes, node)
	return net
}

// source makes an activation of any shape [N C H W] or [N C]: a convolution
// of the input with a kernel that leaves H by W.
func source(net *network.Network, i int, shape []int) string {
	name := "x" + string(rune('0'+i))
	h, w := 1, 1
	if len(shape) == 4 {
		h, w = shape[2], shape[3]
	}
	kernel := []int{65 - h, 65 - w}
	net.Parameters = append(net.Parameters, network.Parameter{Name: name + ".weight", Shape: []int{shape[1], 64, kernel[0], kernel[1]},
		Role: network.Trainable, Init: network.Init{Kind: "normal", Std: 1}})
	net.Nodes = append(net.Nodes, network.Node{Name: name, Op: "Conv", Inputs: []string{"input", name + ".weight"}, Output: name,
		Attributes: attrs{"kernel_shape": kernel, "strides": []int{1, 1}, "pads": []int{0, 0, 0, 0}, "dilations": []int{1, 1}, "group": 1}})
	if len(shape) == 4 {
		return name
	}
	net.Nodes = append(net.Nodes, network.Node{Name: name + ".flat", Op: "Flatten", Inputs: []string{name}, Output: name + ".flat", Attributes: attrs{"axis": 1}})
	return name + ".flat"
}

func with(a attrs, name string, value any) attrs {
	c := a.Clone()
	if value == nil {
		delete(c, name)
	} else {
		c[name] = value
	}
	return c
}

var (
	conv3     = attrs{"kernel_shape": []int{3, 3}, "strides": []int{1, 1}, "pads": []int{1, 1, 1, 1}, "dilations": []int{1, 1}, "group": 1}
	conv3s2   = with(conv3, "strides", []int{2, 2})
	transpose = with(with(conv3s2, "output_padding", []int{1, 1}), "group", 1)
	maxPool   = attrs{"kernel_shape": []int{3, 3}, "strides": []int{2, 2}, "pads": []int{0, 0, 0, 0}, "dilations": []int{1, 1}, "ceil_mode": 0}
	average   = attrs{"kernel_shape": []int{3, 3}, "strides": []int{2, 2}, "pads": []int{0, 0, 0, 0}, "ceil_mode": 0, "count_include_pad": 0}
	batchNorm = attrs{"epsilon": 1e-5, "momentum": 0.9}
	lrn       = attrs{"alpha": 1e-4, "beta": 0.75, "bias": 1.0, "size": 5}
	nearest   = attrs{"mode": "nearest", "scales": []int{2, 3}, "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
	dense     = attrs{"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 1}
)

// Shapes checked by hand or against PyTorch's documentation of each operator.
func TestShapes(t *testing.T) {
	for _, c := range []struct {
		name       string
		op         string
		attributes attrs
		inputs     [][]int
		parameters [][]int
		want       []int
	}{
		{"conv", "Conv", conv3, [][]int{{2, 4, 9, 8}}, [][]int{{6, 4, 3, 3}}, []int{2, 6, 9, 8}},
		{"conv with bias", "Conv", conv3, [][]int{{2, 4, 9, 8}}, [][]int{{6, 4, 3, 3}, {6}}, []int{2, 6, 9, 8}},
		{"conv stride 2, odd and even", "Conv", conv3s2, [][]int{{1, 4, 9, 8}}, [][]int{{6, 4, 3, 3}}, []int{1, 6, 5, 4}},
		{"conv pads one side", "Conv", with(conv3s2, "pads", []int{0, 1, 1, 2}), [][]int{{1, 4, 8, 8}}, [][]int{{6, 4, 3, 3}}, []int{1, 6, 4, 5}},
		{"conv dilated", "Conv", with(conv3, "dilations", []int{2, 3}), [][]int{{1, 4, 9, 9}}, [][]int{{6, 4, 3, 3}}, []int{1, 6, 7, 5}},
		{"conv groups", "Conv", with(conv3, "group", 2), [][]int{{1, 4, 9, 8}}, [][]int{{6, 2, 3, 3}}, []int{1, 6, 9, 8}},
		{"conv depthwise", "Conv", with(conv3, "group", 4), [][]int{{1, 4, 9, 8}}, [][]int{{8, 1, 3, 3}}, []int{1, 8, 9, 8}},
		{"conv transpose doubles", "ConvTranspose", transpose, [][]int{{1, 4, 9, 8}}, [][]int{{4, 6, 3, 3}, {6}}, []int{1, 6, 18, 16}},
		{"conv transpose groups", "ConvTranspose", with(with(transpose, "group", 2), "output_padding", []int{0, 0}), [][]int{{1, 4, 9, 8}}, [][]int{{4, 3, 3, 3}}, []int{1, 6, 17, 15}},
		{"conv transpose dilated", "ConvTranspose", with(with(transpose, "dilations", []int{2, 2}), "pads", []int{0, 1, 2, 3}), [][]int{{1, 4, 5, 5}}, [][]int{{4, 6, 3, 3}}, []int{1, 6, 12, 10}},
		{"batch norm", "BatchNormalization", batchNorm, [][]int{{2, 4, 3, 5}}, [][]int{{4}, {4}, {4}, {4}}, []int{2, 4, 3, 5}},
		{"lrn", "LRN", lrn, [][]int{{2, 4, 3, 5}}, nil, []int{2, 4, 3, 5}},
		{"relu", "Relu", nil, [][]int{{2, 4}}, nil, []int{2, 4}},
		{"sigmoid", "Sigmoid", attrs{}, [][]int{{2, 4, 3, 5}}, nil, []int{2, 4, 3, 5}},
		{"clip", "Clip", attrs{"min": 0.0, "max": 6.0}, [][]int{{2, 4, 3, 5}}, nil, []int{2, 4, 3, 5}},
		{"dropout", "Dropout", attrs{"ratio": 0.5}, [][]int{{2, 4, 3, 5}}, nil, []int{2, 4, 3, 5}},
		{"softmax", "Softmax", attrs{"axis": 3}, [][]int{{2, 4, 3, 5}}, nil, []int{2, 4, 3, 5}},
		{"max pool floors", "MaxPool", maxPool, [][]int{{1, 4, 9, 8}}, nil, []int{1, 4, 4, 3}},
		{"max pool ceils", "MaxPool", with(maxPool, "ceil_mode", 1), [][]int{{1, 4, 9, 8}}, nil, []int{1, 4, 4, 4}},
		{"max pool of the ResNet stem", "MaxPool", with(maxPool, "pads", []int{1, 1, 1, 1}), [][]int{{1, 64, 64, 63}}, nil, []int{1, 64, 32, 32}},
		{"max pool dilated", "MaxPool", with(maxPool, "dilations", []int{2, 1}), [][]int{{1, 4, 9, 9}}, nil, []int{1, 4, 3, 4}},
		// ceil((4+2-2)/3)+1 = 3 windows, of which the last would start at row 6-1 = 5 of 4: dropped.
		{"ceil drops a window in the padding", "MaxPool", attrs{"kernel_shape": []int{2, 2}, "strides": []int{3, 3}, "pads": []int{1, 1, 1, 1}, "dilations": []int{1, 1}, "ceil_mode": 1}, [][]int{{1, 4, 4, 5}}, nil, []int{1, 4, 2, 2}},
		{"average pool ceils", "AveragePool", with(average, "ceil_mode", 1), [][]int{{1, 4, 9, 8}}, nil, []int{1, 4, 4, 4}},
		{"average pool floors", "AveragePool", average, [][]int{{1, 4, 9, 8}}, nil, []int{1, 4, 4, 3}},
		{"global average", "GlobalAveragePool", nil, [][]int{{2, 4, 3, 5}}, nil, []int{2, 4, 1, 1}},
		{"add", "Add", nil, [][]int{{2, 4, 3, 5}, {2, 4, 3, 5}}, nil, []int{2, 4, 3, 5}},
		{"add broadcasts both ways", "Add", nil, [][]int{{2, 4, 1, 5}, {2, 1, 3, 1}}, nil, []int{2, 4, 3, 5}},
		{"mul gates channels", "Mul", nil, [][]int{{2, 4, 3, 5}, {2, 4, 1, 1}}, nil, []int{2, 4, 3, 5}},
		{"concat channels", "Concat", attrs{"axis": 1}, [][]int{{2, 4, 3, 5}, {2, 1, 3, 5}, {2, 2, 3, 5}}, nil, []int{2, 7, 3, 5}},
		{"concat columns", "Concat", attrs{"axis": 3}, [][]int{{2, 4, 3, 5}, {2, 4, 3, 1}}, nil, []int{2, 4, 3, 6}},
		{"flatten", "Flatten", attrs{"axis": 1}, [][]int{{2, 4, 3, 5}}, nil, []int{2, 60}},
		{"gemm", "Gemm", dense, [][]int{{2, 60}}, [][]int{{7, 60}, {7}}, []int{2, 7}},
		{"gemm without a bias", "Gemm", dense, [][]int{{2, 60}}, [][]int{{7, 60}}, []int{2, 7}},
		{"add a parameter", "Add", nil, [][]int{{2, 4, 3, 5}}, [][]int{{4, 1, 1}}, []int{2, 4, 3, 5}},
		{"mul a parameter of rows", "Mul", nil, [][]int{{2, 4}}, [][]int{{4}}, []int{2, 4}},
		{"mul one parameter", "Mul", nil, [][]int{{2, 4, 3, 5}}, [][]int{{1, 1, 1}}, []int{2, 4, 3, 5}},
		{"leaky relu", "LeakyRelu", attrs{"alpha": 0.1}, [][]int{{2, 4, 3, 5}}, nil, []int{2, 4, 3, 5}},
		{"prelu", "PRelu", nil, [][]int{{2, 4, 3, 5}}, [][]int{{4, 1, 1}}, []int{2, 4, 3, 5}},
		{"prelu with one slope", "PRelu", nil, [][]int{{2, 4}}, [][]int{{1}}, []int{2, 4}},
		{"hard sigmoid", "HardSigmoid", attrs{"alpha": 0.2, "beta": 0.5}, [][]int{{2, 4}}, nil, []int{2, 4}},
		{"hard swish", "HardSwish", nil, [][]int{{2, 4}}, nil, []int{2, 4}},
		{"gelu", "Gelu", attrs{"approximate": "none"}, [][]int{{2, 4}}, nil, []int{2, 4}},
		{"layer norm", "LayerNormalization", attrs{"axis": 2, "epsilon": 1e-6}, [][]int{{2, 4, 3, 5}}, [][]int{{3, 5}, {3, 5}}, []int{2, 4, 3, 5}},
		{"transpose", "Transpose", attrs{"perm": []int{0, 2, 3, 1}}, [][]int{{2, 4, 3, 5}}, nil, []int{2, 3, 5, 4}},
		{"reshape", "Reshape", attrs{"shape": []int{0, 2, 2, 15}}, [][]int{{2, 4, 3, 5}}, nil, []int{2, 2, 2, 15}},
		{"slice", "Slice", attrs{"axis": 1, "start": 1, "end": 4}, [][]int{{2, 4, 3, 5}}, nil, []int{2, 3, 3, 5}},
		{"resize", "Resize", nearest, [][]int{{2, 4, 3, 5}}, nil, []int{2, 4, 6, 15}},
		{"resize linear", "Resize", with(with(nearest, "mode", "linear"), "coordinate_transformation_mode", "half_pixel"), [][]int{{2, 4, 3, 5}}, nil, []int{2, 4, 6, 15}},
	} {
		t.Run(c.name, func(t *testing.T) {
			net := single(c.op, c.attributes, c.inputs, c.parameters...)
			if err := net.Check(); err != nil {
				t.Fatal(err)
			}
			if got := net.Nodes[len(net.Nodes)-1].Shape; !slices.Equal(got, c.want) {
				t.Errorf("shape %v, want %v", got, c.want)
			}
		})
	}
}

func TestOperatorsRefuse(t *testing.T) {
	x := [][]int{{1, 4, 9, 8}}
	for _, c := range []struct {
		name       string
		op         string
		attributes attrs
		inputs     [][]int
		parameters [][]int
		want       string
	}{
		{"unknown", "Convolution", conv3, x, nil, `unknown operator "Convolution"; there are "Add"`},
		{"mistyped", "ReLU", nil, x, nil, `unknown operator "ReLU"; did you mean "Relu"`},
		{"missing attribute", "Conv", with(conv3, "pads", nil), x, nil, `attribute "pads" is missing; every attribute has to be written`},
		{"extra attribute", "Conv", with(conv3, "auto_pad", "SAME_UPPER"), x, nil, `attribute "auto_pad" is unknown; the operator has kernel_shape, strides, pads, dilations, group`},
		{"extra where none are", "Relu", attrs{"alpha": 1.0}, x, nil, `attribute "alpha" is unknown; the operator has none`},
		{"int for list", "Conv", with(conv3, "strides", 2), x, nil, `attribute "strides": int 2, wants a list of 2 or 3 ints`},
		{"short list", "Conv", with(conv3, "pads", []int{1, 1}), x, nil, `attribute "pads": [1 1], wants 4 or 6 ints`},
		{"zero stride", "Conv", with(conv3, "strides", []int{0, 1}), x, nil, `attribute "strides": [0 1], wants ints of at least 1`},
		{"negative pad", "Conv", with(conv3, "pads", []int{-1, 0, 0, 0}), x, nil, `attribute "pads": [-1 0 0 0], wants ints of at least 0`},
		{"huge dilation", "Conv", with(conv3, "dilations", []int{1 << 40, 1}), x, nil, `attribute "dilations"`},
		{"float for int", "Conv", with(conv3, "group", 1.0), x, nil, `attribute "group": float 1, wants an int`},
		{"zero group", "Conv", with(conv3, "group", 0), x, nil, `attribute "group": 0, wants an int of at least 1`},
		{"group", "Conv", with(conv3, "group", 3), x, [][]int{{6, 1, 3, 3}}, "group 3 does not divide 4 input and 6 output channels"},
		{"weight", "Conv", conv3, x, [][]int{{6, 5, 3, 3}}, "weight is [6 5 3 3], wants [6 4 3 3]"},
		{"weight rank", "Conv", conv3, x, [][]int{{6, 36}}, "weight is [6 36], wants [out in/group [3 3]]"},
		{"bias", "Conv", conv3, x, [][]int{{6, 4, 3, 3}, {4}}, "bias is [4], wants [6]"},
		{"no weight", "Conv", conv3, x, nil, "Conv has 0 parameters, wants a number from 1 to 2"},
		{"two activations", "Conv", conv3, [][]int{{1, 4, 9, 8}, {1, 4, 9, 8}}, [][]int{{6, 4, 3, 3}}, "Conv has 2 activations, wants a number of exactly 1"},
		{"rows", "Conv", conv3, [][]int{{1, 4}}, [][]int{{6, 4, 3, 3}}, "input is [1 4], wants [N C H W]"},
		{"kernel too large", "Conv", with(conv3, "dilations", []int{6, 1}), x, [][]int{{6, 4, 3, 3}}, "kernel [3 3] with dilations [6 1] does not fit into input [1 4 9 8] with pads [1 1 1 1]"},
		{"kernel larger by one", "Conv", with(conv3s2, "pads", []int{0, 0, 0, 0}), [][]int{{1, 4, 2, 8}}, [][]int{{6, 4, 3, 3}}, "kernel [3 3] with dilations [1 1] does not fit into input [1 4 2 8]"},
		{"transposed weight", "ConvTranspose", transpose, x, [][]int{{6, 4, 3, 3}}, "weight is [6 4 3 3], wants [4 4 3 3]"},
		{"transposed group", "ConvTranspose", with(transpose, "group", 3), x, [][]int{{4, 4, 3, 3}}, "group 3 does not divide 4 input channels"},
		{"output padding", "ConvTranspose", with(transpose, "output_padding", []int{2, 0}), x, [][]int{{4, 4, 3, 3}}, "output_padding [2 0] is not below strides [2 2]"},
		{"nothing left", "ConvTranspose", with(transpose, "pads", []int{20, 0, 0, 0}), x, [][]int{{4, 4, 3, 3}}, "pads [20 0 0 0] leave nothing of input [1 4 9 8]"},
		{"zero epsilon", "BatchNormalization", with(batchNorm, "epsilon", 0.0), x, nil, `attribute "epsilon": 0, wants a float above 0`},
		{"int epsilon", "BatchNormalization", with(batchNorm, "epsilon", 1), x, nil, `attribute "epsilon": int 1, wants a float (in JSON with a point or an exponent)`},
		{"momentum", "BatchNormalization", with(batchNorm, "momentum", 1.0), x, nil, `attribute "momentum": 1, wants a float from 0 to less than 1`},
		{"scale", "BatchNormalization", batchNorm, x, [][]int{{4}, {4}, {4}, {5}}, "variance is [5], wants [4]"},
		{"batch norm of rows", "BatchNormalization", batchNorm, [][]int{{2, 4}}, [][]int{{4}, {4}, {4}, {4}}, "input is [2 4], wants [N C H W]"},
		{"three parameters", "BatchNormalization", batchNorm, x, [][]int{{4}, {4}, {4}}, "BatchNormalization has 3 parameters, wants a number of exactly 4"},
		{"even lrn", "LRN", with(lrn, "size", 4), x, nil, `attribute "size": 4, wants an odd number`},
		{"clip", "Clip", attrs{"min": 6.0, "max": 0.0}, x, nil, "min 6 is not below max 0"},
		{"ratio", "Dropout", attrs{"ratio": 1.0}, x, nil, `attribute "ratio": 1, wants a float from 0 to less than 1`},
		{"softmax axis", "Softmax", attrs{"axis": 2}, [][]int{{1, 4}}, nil, "axis 2 is not an axis of input [1 4]"},
		{"softmax over the batch", "Softmax", attrs{"axis": 0}, x, nil, `attribute "axis": 0, wants an int from 1 to 5`},
		{"pool of padding", "MaxPool", with(maxPool, "pads", []int{3, 0, 0, 0}), x, nil, "pads [3 0 0 0] are not smaller than kernel [3 3]"},
		{"ceil mode", "MaxPool", with(maxPool, "ceil_mode", 2), x, nil, `attribute "ceil_mode": 2, wants an int from 0 to 1`},
		{"add", "Add", nil, [][]int{{1, 64, 56, 56}, {1, 63, 56, 56}}, nil, "inputs disagree on shape: [64 56 56] and [63 56 56]"},
		{"add ranks", "Add", nil, [][]int{{1, 4, 3, 3}, {1, 4}}, nil, "inputs disagree on rank: [4 3 3] and [4]"},
		{"add one", "Add", nil, x, nil, "it has 1 inputs, wants 2"},
		{"concat", "Concat", attrs{"axis": 1}, [][]int{{1, 4, 3, 3}, {1, 4, 3, 4}}, nil, "inputs disagree beside axis 1: [4 3 3] and [4 3 4]"},
		{"concat axis", "Concat", attrs{"axis": 2}, [][]int{{1, 4}, {1, 4}}, nil, "axis 2 is not an axis of input [1 4]"},
		{"flatten axis", "Flatten", attrs{"axis": 2}, x, nil, `attribute "axis": int 2, wants int 1`},
		{"gemm of a map", "Gemm", dense, x, [][]int{{7, 4}, {7}}, "input is [1 4 9 8], wants [N in]; a Flatten has to come before"},
		{"gemm weight", "Gemm", dense, [][]int{{1, 4}}, [][]int{{4, 7}, {7}}, "weight is [4 7], wants [out 4]"},
		{"gemm transB", "Gemm", with(dense, "transB", 0), [][]int{{1, 4}}, nil, `attribute "transB": int 0, wants int 1`},
		{"gemm alpha", "Gemm", with(dense, "alpha", 2.0), [][]int{{1, 4}}, nil, `attribute "alpha": float 2, wants float 1`},
		{"add nothing twice", "Add", nil, [][]int{{1, 4, 3, 3}, {1, 4, 3, 3}}, [][]int{{4, 1, 1}}, "it has 3 inputs, wants 2"},
		{"parameter of rows", "Mul", nil, x, [][]int{{4}}, "parameter is [4], wants [4 1 1]"},
		{"parameter of columns", "Mul", nil, x, [][]int{{1, 1, 8}}, "parameter is [1 1 8], wants [1 1 1]"},
		{"slope", "PRelu", nil, x, [][]int{{5, 1, 1}}, "slope is [5 1 1], wants [4 1 1]"},
		{"gelu", "Gelu", attrs{"approximate": "sigmoid"}, x, nil, `wants one of ["none" "tanh"]`},
		{"layer norm axis", "LayerNormalization", attrs{"axis": 4, "epsilon": 1e-6}, x, [][]int{{4}, {4}}, "axis 4 is not an axis of input [1 4 9 8]"},
		{"layer norm over channels", "LayerNormalization", attrs{"axis": 1, "epsilon": 1e-6}, x, [][]int{{4}, {4}}, "scale is [4], wants [4 9 8]"},
		{"transpose the batch", "Transpose", attrs{"perm": []int{1, 0, 2, 3}}, x, nil, "wants the axes 0 to 3 in some order, the batch's first"},
		{"transpose twice", "Transpose", attrs{"perm": []int{0, 1, 1, 3}}, x, nil, "wants the axes 0 to 3 in some order"},
		{"transpose three", "Transpose", attrs{"perm": []int{0, 2, 1}}, x, nil, "perm [0 2 1] has 3 axes, input [1 4 9 8] has 4"},
		{"reshape the batch", "Reshape", attrs{"shape": []int{1, 288}}, x, nil, "wants 0 for the batch"},
		{"reshape to fewer", "Reshape", attrs{"shape": []int{0, 2, 9, 8}}, x, nil, "shape [0 2 9 8] has 144 elements an image, input [1 4 9 8] has 288"},
		{"slice beyond", "Slice", attrs{"axis": 1, "start": 2, "end": 5}, x, nil, "start 2 and end 5 are not within axis 1 of input [1 4 9 8]"},
		{"slice nothing", "Slice", attrs{"axis": 1, "start": 2, "end": 2}, x, nil, "start 2 and end 2 are not within axis 1"},
		{"resize mode", "Resize", with(nearest, "mode", "cubic"), x, nil, `attribute "mode": string "cubic", wants one of ["nearest" "linear"]`},
		{"resize nearest half pixel", "Resize", with(nearest, "coordinate_transformation_mode", "half_pixel"), x, nil, "mode nearest with coordinates half_pixel has no agreed meaning"},
		{"resize too large", "Resize", with(nearest, "scales", []int{1 << 24, 1 << 24}), x, nil, "elements"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := single(c.op, c.attributes, c.inputs, c.parameters...).Check()
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if !strings.HasPrefix(err.Error(), `network "n": node "op": `) {
				t.Errorf("%q does not begin with the network and the node", err)
			}
		})
	}
}
