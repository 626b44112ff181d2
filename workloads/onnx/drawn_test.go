package onnx_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/dlbench/dlbench/workloads/initial"
	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/onnx"
	"github.com/dlbench/dlbench/workloads/plan"
)

// drawn are a network's values for drawn weights, and normal images.
func drawn(t *testing.T, net *network.Network) map[string][]float64 {
	t.Helper()
	p := plan.From(net, plan.ID{Network: net.Name, Mode: plan.Infer, Batch: net.Input.Shape[0], Precision: plan.FP32}, 1, 0)
	input := make([]float64, count(net.Input.Shape))
	for k := range input { // Box and Muller's
		u, v := float64(k*7919%10007+1)/10008, float64(k*104729%10009)/10009
		input[k] = math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v)
	}
	values, err := activations(net, p.Values, input)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// spread is the mean square of numbers, and that of their differences from one
// image to the next: what of them the images decide.
func spread(values []float64, images int) (square, between float64) {
	size := len(values) / images
	for k, v := range values {
		square += v * v / float64(len(values))
		if k >= size {
			d := v - values[k-size]
			between += d * d / float64(len(values)-size)
		}
	}
	return square, between
}

// inBounds holds every activation within what float32 and an optimizer's first
// steps bear, and makes sure that the logits depend on the images.
func inBounds(t *testing.T, net *network.Network, most float64) {
	t.Helper()
	values := drawn(t, net)
	images := net.Input.Shape[0]
	for _, n := range net.Nodes {
		square, _ := spread(values[n.Output], images)
		if root := math.Sqrt(square); !(root > 1e-3 && root < most) {
			t.Errorf("%s %q: the root mean square is %.3g, wants between 0.001 and %g", n.Op, n.Name, root, most)
		}
	}
	if square, between := spread(values[net.Outputs[0]], images); images > 1 && !(between > 1e-6*square) {
		t.Errorf("logits are %.3g from image to image, of %.3g: they are nearly the same for all", math.Sqrt(between), math.Sqrt(square))
	}
}

// The weights that are drawn for a file's network keep what it computes within
// bounds.
func TestDrawnWeightsAreWellConditioned(t *testing.T) {
	for _, pattern := range []string{"testdata/*.onnx", "testdata/cases/*.onnx"} {
		paths, err := filepath.Glob(pattern)
		if err != nil || len(paths) < 8 {
			t.Fatalf("%d files, %v", len(paths), err)
		}
		for _, path := range paths {
			m, err := onnx.Read(path, onnx.Options{})
			if err != nil {
				if filepath.Base(path) != "too_new.onnx" {
					t.Errorf("%s: %v", path, err)
				}
				continue
			}
			if m.Batch == 0 {
				if m, err = onnx.Read(path, onnx.Options{Batch: 4}); err != nil {
					t.Fatal(err)
				}
			}
			t.Run(filepath.Base(path), func(t *testing.T) { inBounds(t, m.Network, 10) })
		}
	}
}

// sketch builds networks for the rule to be tried on: images are 6×6, and all
// layers have the same width.
type sketch struct {
	net   network.Network
	width int
}

func (s *sketch) node(op string, a network.Attributes, inputs ...string) string {
	name := fmt.Sprintf("%s%d", op, len(s.net.Nodes))
	if a == nil {
		a = network.Attributes{}
	}
	s.net.Nodes = append(s.net.Nodes, network.Node{Name: name, Op: op, Inputs: inputs, Output: name, Attributes: a})
	return name
}

func (s *sketch) parameter(shape ...int) string {
	name := fmt.Sprintf("p%d", len(s.net.Parameters))
	s.net.Parameters = append(s.net.Parameters, network.Parameter{Name: name, Shape: shape, Role: network.Trainable})
	return name
}

func (s *sketch) conv(x string, kernel, group int) string {
	pad := kernel / 2
	return s.node("Conv", network.Attributes{"kernel_shape": []int{kernel, kernel}, "strides": []int{1, 1}, "dilations": []int{1, 1},
		"pads": []int{pad, pad, pad, pad}, "group": group}, x, s.parameter(s.width, s.width/group, kernel, kernel), s.parameter(s.width))
}

func (s *sketch) silu(x string) string { return s.node("Mul", nil, x, s.node("Sigmoid", nil, x)) }

func (s *sketch) gate(x string) string {
	y := s.conv(s.silu(s.conv(s.node("GlobalAveragePool", nil, x), 1, 1)), 1, 1)
	return s.node("Mul", nil, s.node("Sigmoid", nil, y), x)
}

func (s *sketch) done(t *testing.T, x string) *network.Network {
	t.Helper()
	x = s.node("Flatten", network.Attributes{"axis": 1}, s.node("GlobalAveragePool", nil, x))
	x = s.node("Gemm", network.Attributes{"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 1}, x, s.parameter(5, s.width), s.parameter(5))
	s.net.Outputs = []string{x}
	initial.Draw(&s.net)
	if err := s.net.Check(); err != nil {
		t.Fatal(err)
	}
	return &s.net
}

// Exporters put batch norms into the convolutions before them, so that nothing
// in a deep network normalises: blocks of each kind stay within bounds, twenty,
// or eight of three convolutions, of which no network has more without a trunk.
func TestDeepNetworksWithoutNormalisation(t *testing.T) {
	const width = 16
	relu := func(s *sketch, x string) string { return s.node("Relu", nil, x) }
	relu6 := func(s *sketch, x string) string { return s.node("Clip", network.Attributes{"min": 0.0, "max": 6.0}, x) }
	for name, block := range map[string]func(s *sketch, x string) string{
		"plain": func(s *sketch, x string) string { return relu(s, s.conv(x, 3, 1)) },
		"basic": func(s *sketch, x string) string {
			return relu(s, s.node("Add", nil, s.conv(relu(s, s.conv(x, 3, 1)), 3, 1), x))
		},
		"projected": func(s *sketch, x string) string {
			return relu(s, s.node("Add", nil, s.conv(x, 1, 1), s.conv(relu(s, s.conv(x, 3, 1)), 3, 1)))
		},
		"preactivated": func(s *sketch, x string) string {
			return s.node("Add", nil, x, s.conv(relu(s, s.conv(relu(s, x), 3, 1)), 3, 1))
		},
		"linear bottleneck": func(s *sketch, x string) string {
			return s.conv(relu6(s, s.conv(relu6(s, s.conv(x, 1, 1)), 3, width)), 1, 1)
		},
		"inverted residual": func(s *sketch, x string) string {
			return s.node("Add", nil, x, s.conv(relu6(s, s.conv(relu6(s, s.conv(x, 1, 1)), 3, width)), 1, 1))
		},
		"factorised":      func(s *sketch, x string) string { return relu(s, s.conv(s.conv(x, 1, 1), 3, 1)) },
		"gated by itself": func(s *sketch, x string) string { return s.silu(s.conv(x, 3, 1)) },
		"hard swish":      func(s *sketch, x string) string { return s.node("HardSwish", nil, s.conv(x, 3, 1)) },
		"gelu": func(s *sketch, x string) string {
			return s.node("Gelu", network.Attributes{"approximate": "none"}, s.conv(x, 3, 1))
		},
		"leaky": func(s *sketch, x string) string {
			return s.node("LeakyRelu", network.Attributes{"alpha": 0.9}, s.conv(x, 3, 1))
		},
		"squeeze and excitation": func(s *sketch, x string) string {
			return s.conv(s.gate(s.silu(s.conv(s.silu(s.conv(x, 1, 1)), 3, width))), 1, 1)
		},
		"gated residual": func(s *sketch, x string) string {
			return relu(s, s.node("Add", nil, s.gate(s.conv(relu(s, s.conv(x, 3, 1)), 3, 1)), x))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &sketch{width: width, net: network.Network{Name: name, Opset: network.Opset, Input: network.Value{Name: "input", Shape: []int{4, width, 6, 6}}}}
			x, blocks := "input", 20
			if name == "squeeze and excitation" {
				blocks = 8
			}
			for range blocks {
				x = block(s, x)
			}
			inBounds(t, s.done(t, x), 10)
		})
	}
}

// What is drawn for public networks is well-conditioned, too, as ONNX Runtime
// computes it. DLBENCH_TEST_ONNX names a folder with more files.
func drawnWeightsOf(t *testing.T, python string, paths []string) {
	t.Helper()
	if folder := os.Getenv("DLBENCH_TEST_ONNX"); folder != "" {
		more, err := filepath.Glob(filepath.Join(folder, "*.onnx"))
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, more...)
	}
	tried := 0
	for _, path := range paths {
		m, err := onnx.Read(path, onnx.Options{Training: true})
		if err != nil {
			t.Logf("refused: %v", err)
			continue
		}
		tried++
		t.Run(filepath.Base(path), func(t *testing.T) { spreads(t, python, m.Network) })
	}
	if tried < 6 {
		t.Errorf("%d networks were tried, want at least 6", tried)
	}
}

func spreads(t *testing.T, python string, net *network.Network) {
	t.Helper()
	p := plan.From(net, plan.ID{Network: net.Name, Mode: plan.Infer, Batch: net.Input.Shape[0], Precision: plan.FP32}, 1, 0)
	path := filepath.Join(t.TempDir(), "drawn.onnx")
	if err := onnx.Write(path, onnx.Export{Network: net, Values: p.Values, Origin: onnx.Origin{Workload: "w"}}); err != nil {
		t.Fatal(err)
	}
	var says struct {
		Roots           map[string]float64
		Between, Logits float64
	}
	out, err := exec.Command(python, "testdata/spread.py", path).Output()
	if err == nil {
		err = json.Unmarshal(out, &says)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for name, root := range says.Roots {
		if !(root > 1e-3 && root < 10) {
			t.Errorf("%q: the root mean square is %.3g, wants between 0.001 and 10", name, root)
		}
	}
	if !(says.Between > 1e-3*says.Logits) {
		t.Errorf("logits are %.3g from image to image, of %.3g: they are nearly the same for all", says.Between, says.Logits)
	}
	t.Logf("logits %.3g, between images %.3g", says.Logits, says.Between)
}
