package network_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/workloads/network"
)

// small is conv → relu → add(relu, conv), with two outputs.
func small() *network.Network {
	return &network.Network{
		Name: "small", Opset: network.Opset, Input: network.Value{Name: "input", Shape: []int{2, 3, 8, 8}},
		Outputs:    []string{"sum"},
		Parameters: []network.Parameter{{Name: "conv.weight", Shape: []int{4, 3, 3, 3}, Role: network.Trainable, Init: network.Init{Kind: "normal", Std: 1}}},
		Nodes: []network.Node{
			{Name: "conv", Op: "Conv", Inputs: []string{"input", "conv.weight"}, Output: "conv", Attributes: conv3.Clone()},
			{Name: "relu", Op: "Relu", Inputs: []string{"conv"}, Output: "relu"},
			{Name: "add", Op: "Add", Inputs: []string{"relu", "conv"}, Output: "sum"},
		},
	}
}

func TestCheckFillsShapes(t *testing.T) {
	net := small()
	for range 2 { // the second time it compares
		if err := net.Check(); err != nil {
			t.Fatal(err)
		}
		for _, n := range net.Nodes {
			if !slices.Equal(n.Shape, []int{2, 4, 8, 8}) {
				t.Errorf("node %q has shape %v", n.Name, n.Shape)
			}
		}
	}
}

func TestCheckLeavesAFailedNetworkAlone(t *testing.T) {
	net, before := small(), small()
	net.Nodes[2].Inputs[1], before.Nodes[2].Inputs[1] = "nowhere", "nowhere"
	if net.Check() == nil {
		t.Fatal("it was accepted")
	}
	if !reflect.DeepEqual(net, before) {
		t.Error("it was changed")
	}
}

func TestCheckRefuses(t *testing.T) {
	statistic := func(role network.Role, init network.Init) func(*network.Network) {
		return func(n *network.Network) { n.Parameters[0].Role, n.Parameters[0].Init = role, init }
	}
	for _, c := range []struct {
		name   string
		change func(n *network.Network)
		want   string
	}{
		{"no name", func(n *network.Network) { n.Name = "" }, "the network has no name"},
		{"opset", func(n *network.Network) { n.Opset = 13 }, "opset 13, wants 17"},
		{"input name", func(n *network.Network) { n.Input.Name = "" }, "the input has no name"},
		{"input rank", func(n *network.Network) { n.Input.Shape = []int{2, 3} }, `input "input" is [2 3], wants [N C H W]`},
		{"input axis", func(n *network.Network) { n.Input.Shape[2] = 0 }, `input "input": shape [2 3 0 8] has an axis below 1`},
		{"input too large", func(n *network.Network) { n.Input.Shape = []int{1 << 40, 1 << 40, 1 << 40, 1} }, "has more than"},
		{"node name", func(n *network.Network) { n.Nodes[1].Name = "" }, "a node has no name"},
		{"node twice", func(n *network.Network) { n.Nodes[1].Name = "conv" }, `node "conv": the name is taken already`},
		{"no output", func(n *network.Network) { n.Nodes[1].Output = "" }, `node "relu": the output has no name`},
		{"output twice", func(n *network.Network) { n.Nodes[1].Output = "conv" }, `node "relu": output "conv" is the name of another value`},
		{"output of a parameter's name", func(n *network.Network) { n.Nodes[1].Output = "conv.weight" }, `output "conv.weight" is the name of another value`},
		{"missing input", func(n *network.Network) { n.Nodes[1].Inputs[0] = "x" }, `node "relu": input 0: "x" is neither a parameter nor an output of an earlier node`},
		{"later input", func(n *network.Network) { n.Nodes[0], n.Nodes[1] = n.Nodes[1], n.Nodes[0] }, `node "relu": input 0: "conv" is neither a parameter nor an output of an earlier node`},
		{"own output", func(n *network.Network) { n.Nodes[1].Inputs[0] = "relu" }, `node "relu": input 0: "relu" is neither a parameter`},
		{"no inputs", func(n *network.Network) { n.Nodes[1].Inputs = nil }, `node "relu": Relu has 0 activations`},
		{"activation after parameter", func(n *network.Network) { slices.Reverse(n.Nodes[0].Inputs) }, `node "conv": input 1: activation "input" comes after a parameter`},
		{"stated shape", func(n *network.Network) { n.Nodes[1].Shape = []int{2, 4, 8, 9} }, `node "relu": shape is stated as [2 4 8 9] and is [2 4 8 8]`},
		{"parameter name", func(n *network.Network) { n.Parameters[0].Name = "" }, `parameter "": it has no name`},
		{"parameter twice", func(n *network.Network) { n.Parameters = append(n.Parameters, n.Parameters[0]) }, `parameter "conv.weight": the name is taken already`},
		{"parameter without shape", func(n *network.Network) { n.Parameters[0].Shape = nil }, `parameter "conv.weight": it has no shape`},
		{"role", func(n *network.Network) { n.Parameters[0].Role = "buffer" }, `parameter "conv.weight": role "buffer", wants`},
		{"wrong role", statistic(network.RunningMean, network.Init{Kind: "normal", Std: 1}), `node "conv": input 1: parameter "conv.weight" has role "running_mean", wants "trainable"`},
		{"init kind", func(n *network.Network) { n.Parameters[0].Init.Kind = "" }, `init: kind ""`},
		{"init std", func(n *network.Network) { n.Parameters[0].Init.Std = 0 }, "init: normal wants mean and a std above 0"},
		{"init both", func(n *network.Network) { n.Parameters[0].Init.High = 1 }, "init: normal wants mean and a std above 0, and no low or high"},
		{"init range", statistic(network.Trainable, network.Init{Kind: "uniform", Low: 1, High: 1}), "init: uniform wants low below high"},
		{"init variance", statistic(network.RunningVariance, network.Init{Kind: "uniform", Low: 0, High: 1}), "init: a running variance wants uniform with low above 0"},
		{"no outputs", func(n *network.Network) { n.Outputs = nil }, "outputs: there are none"},
		{"unknown output", func(n *network.Network) { n.Outputs = []string{"x"} }, `outputs: "x" is the output of no node`},
		{"input as output", func(n *network.Network) { n.Outputs = []string{"input"} }, `outputs: "input" is the output of no node`},
		{"output named twice", func(n *network.Network) { n.Outputs = []string{"sum", "sum"} }, `outputs: "sum" is there twice`},
		{"dead node", func(n *network.Network) { n.Outputs = []string{"relu"} }, `node "add": nothing uses its output "sum"`},
		{"unused parameter", func(n *network.Network) {
			n.Parameters = append(n.Parameters, network.Parameter{Name: "q", Shape: []int{1}, Role: network.Trainable, Init: network.Init{Kind: "normal", Std: 1}})
		}, `parameter "q": no node uses it`},
		{"shared parameter", func(n *network.Network) {
			again := n.Nodes[0]
			again.Name, again.Output = "conv2", "conv2"
			n.Nodes = append(n.Nodes, again)
			n.Outputs = []string{"sum", "conv2"}
		}, `node "conv2": input 1: parameter "conv.weight" belongs to node "conv" already`},
	} {
		t.Run(c.name, func(t *testing.T) {
			net := small()
			c.change(net)
			err := net.Check()
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want %q", err, c.want)
			}
			if !strings.HasPrefix(err.Error(), "network \""+net.Name+"\": ") {
				t.Errorf("%q does not begin with the network", err)
			}
		})
	}
}

// The conv has 4·3·3·3 weights, each used at 8×8 places; three nodes make
// 4·8·8 values of 4 bytes. The batch of two changes nothing.
func TestCounts(t *testing.T) {
	got, err := small().Counts()
	want := network.Counts{Parameters: 108, MACs: 108 * 64, ActivationBytes: 3 * 256 * 4}
	if err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	broken := small()
	broken.Opset = 1
	if _, err := broken.Counts(); err == nil {
		t.Error("a broken network was counted")
	}
}

func TestCountsOfOperators(t *testing.T) {
	for _, c := range []struct {
		name       string
		net        *network.Network
		sourceMACs int64 // of the convolution that makes the operator's input
		want       int64
	}{
		{"grouped conv", single("Conv", with(conv3s2, "group", 2), [][]int{{3, 4, 9, 8}}, []int{6, 2, 3, 3}), 4 * 9 * 8 * 64 * 56 * 57, 6 * 2 * 9 * 5 * 4},
		{"conv transpose", single("ConvTranspose", transpose, [][]int{{3, 4, 9, 8}}, []int{4, 6, 3, 3}), 4 * 9 * 8 * 64 * 56 * 57, 4 * 9 * 8 * 6 * 9},
		{"gemm", single("Gemm", dense, [][]int{{3, 60}}, []int{7, 60}, []int{7}), 60 * 64 * 64 * 64, 7 * 60},
	} {
		got, err := c.net.Counts()
		if err != nil {
			t.Fatal(err)
		}
		if got.MACs != c.sourceMACs+c.want {
			t.Errorf("%s: %d multiply-accumulates, want %d", c.name, got.MACs-c.sourceMACs, c.want)
		}
	}
}

func TestRunningStatisticsAreNoParameters(t *testing.T) {
	got, err := single("BatchNormalization", batchNorm, [][]int{{2, 4, 64, 64}}, []int{4}, []int{4}, []int{4}, []int{4}).Counts()
	if want := int64(4*64 + 2*4); err != nil || got.Parameters != want {
		t.Errorf("%d parameters, %v; want %d", got.Parameters, err, want)
	}
}

func TestOperators(t *testing.T) {
	all := network.Operators()
	if len(all) != 28 || !slices.IsSorted(all) || !slices.Contains(all, "ConvTranspose") {
		t.Errorf("operators %v", all)
	}
}
