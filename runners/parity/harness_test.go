package parity_test

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/launch"
	"github.com/dlbench/dlbench/runners/manifest"
	"github.com/dlbench/dlbench/runners/parity"
	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/pythontest"
)

// lab starts runners as local processes.
type lab struct {
	t        *testing.T
	launcher *launch.Launcher
}

func newLab(t *testing.T, threads int) *lab {
	t.Helper()
	dir := t.TempDir()
	adapters, err := manifest.ExtractPython(dir)
	if err != nil {
		t.Fatal(err)
	}
	python := pythontest.Find(t, "numpy")
	pythontest.Compile(t, python, adapters)
	l := &lab{t: t, launcher: &launch.Launcher{
		Engine: engine.NewLocal(os.Environ()), Session: "test", Threads: threads, Python: python, Adapters: adapters,
		Inputs: filepath.Join(dir, "in"), Work: filepath.Join(dir, "work"), Logs: filepath.Join(dir, "logs"),
	}}
	if err := os.MkdirAll(l.launcher.Inputs, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.launcher.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// verifier judges by the real reference.
func (l *lab) verifier(cache string) *parity.Verifier {
	v := &parity.Verifier{
		CacheDir: cache, Processor: "test", ReferenceKey: "test", OpenReference: l.open("reference"),
		Materialize: func(ctx context.Context, p *plan.Plan) (plan.Files, error) {
			return plan.Materialize(ctx, l.launcher.Inputs, p)
		},
	}
	l.t.Cleanup(func() {
		if err := v.Close(context.Background()); err != nil {
			l.t.Error(err)
		}
	})
	return v
}

// open starts a built-in runner, or one of testdata/mutant.py.
func (l *lab) open(name string) func(context.Context) (parity.Runner, error) {
	return func(ctx context.Context) (parity.Runner, error) {
		r, err := l.start(ctx, name)
		if err != nil {
			return nil, err // a nil *Runner must not become a non-nil interface
		}
		return r, nil
	}
}

func (l *lab) start(ctx context.Context, name string) (*launch.Runner, error) {
	command := []string{"python3", "-m", "dlbench_sdk", filepath.Join(l.launcher.Adapters, "frameworks", name, "adapter.py")}
	if _, err := os.Stat(command[3]); err != nil {
		script, err := filepath.Abs(scriptOf(name))
		if err != nil {
			return nil, err
		}
		command = []string{"python3", script, name}
	}
	return l.launcher.Open(ctx, manifest.Manifest{Name: name, Local: &manifest.Local{Command: command}}, "", device.CPU)
}

// scriptOf is the file of a runner that is wrong on purpose.
func scriptOf(name string) string {
	if strings.HasPrefix(name, medical) {
		return "testdata/medical.py"
	}
	if strings.HasPrefix(name, plan.INT8) {
		return "testdata/whole.py"
	}
	return "testdata/mutant.py"
}

func (l *lab) candidate(name string) parity.Candidate {
	return parity.Candidate{Name: name, Device: "cpu", Open: l.open(name)}
}

// small is a network with one of everything that a known mistake gets wrong: a
// stem, two bottlenecks of which one halves the resolution, uneven sides for
// SAME padding and for rounded pools, an average pool with padding, dropout,
// and two dense layers.
type small struct {
	net      network.Network
	channels map[string]int
}

func probe(batch, size int) (*network.Network, error) {
	s := &small{net: network.Network{Name: "probe", Opset: network.Opset, Input: network.Value{Name: "input", Shape: []int{batch, 3, size, size}}},
		channels: map[string]int{"input": 3}}
	x := s.conv("stem", "input", 8, 7, 2, 3)
	x = s.node("stem.relu", "Relu", nil, 8, s.norm("stem.bn", x, false))
	x = s.node("lrn", "LRN", network.Attributes{"alpha": 1e-2, "beta": 0.75, "bias": 1.0, "size": 5}, 8, x)
	x = s.node("pool", "MaxPool", network.Attributes{"kernel_shape": []int{3, 3}, "strides": []int{2, 2}, "pads": []int{1, 1, 1, 1},
		"dilations": []int{1, 1}, "ceil_mode": 0}, 8, x)
	x = s.bottleneck("block1", x, 6, 1)
	x = s.bottleneck("block2", x, 8, 2)
	x = s.node("average", "AveragePool", network.Attributes{"kernel_shape": []int{3, 3}, "strides": []int{2, 2}, "pads": []int{1, 1, 1, 1},
		"ceil_mode": 0, "count_include_pad": 0}, s.channels[x], x)
	x = s.node("global", "GlobalAveragePool", nil, s.channels[x], x)
	x = s.node("flatten", "Flatten", network.Attributes{"axis": 1}, s.channels[x], x)
	x = s.node("hidden.relu", "Relu", nil, 24, s.dense("hidden", x, 24))
	x = s.node("dropout", "Dropout", network.Attributes{"ratio": 0.5}, 24, x)
	s.dense("logits", x, 10)
	s.net.Outputs = []string{"logits"}
	return &s.net, s.net.Check()
}

func (s *small) node(name, op string, a network.Attributes, channels int, inputs ...string) string {
	if a == nil {
		a = network.Attributes{}
	}
	s.net.Nodes = append(s.net.Nodes, network.Node{Name: name, Op: op, Inputs: inputs, Output: name, Attributes: a})
	s.channels[name] = channels
	return name
}

func (s *small) parameter(name string, role network.Role, init network.Init, shape ...int) string {
	s.net.Parameters = append(s.net.Parameters, network.Parameter{Name: name, Shape: shape, Role: role, Init: init})
	return name
}

func (s *small) conv(name, x string, out, kernel, stride, pad int) string {
	in := s.channels[x]
	w := s.parameter(name+".weight", network.Trainable, network.Init{Kind: "normal", Std: math.Sqrt(2 / float64(in*kernel*kernel))}, out, in, kernel, kernel)
	return s.node(name, "Conv", network.Attributes{"kernel_shape": []int{kernel, kernel}, "strides": []int{stride, stride},
		"pads": []int{pad, pad, pad, pad}, "dilations": []int{1, 1}, "group": 1}, out, x, w)
}

// norm is drawn like the zoo's, for the reasons that are given there.
func (s *small) norm(name, x string, damped bool) string {
	c := s.channels[x]
	scale, shift := network.Init{Kind: "uniform", Low: 0.8, High: 1.2}, network.Init{Kind: "uniform", Low: 0.4, High: 0.6}
	if damped {
		scale, shift = network.Init{Kind: "uniform", Low: 0.08, High: 0.12}, network.Init{Kind: "uniform", Low: -0.1, High: 0.1}
	}
	return s.node(name, "BatchNormalization", network.Attributes{"epsilon": 1e-5, "momentum": 0.9}, c, x,
		s.parameter(name+".weight", network.Trainable, scale, c), s.parameter(name+".bias", network.Trainable, shift, c),
		s.parameter(name+".running_mean", network.RunningMean, network.Init{Kind: "uniform", Low: -0.2, High: 0.2}, c),
		s.parameter(name+".running_var", network.RunningVariance, network.Init{Kind: "uniform", Low: 1, High: 2}, c))
}

func (s *small) bottleneck(name, x string, width, stride int) string {
	out := 4 * width
	y := s.node(name+".relu1", "Relu", nil, width, s.norm(name+".bn1", s.conv(name+".conv1", x, width, 1, 1, 0), false))
	y = s.node(name+".relu2", "Relu", nil, width, s.norm(name+".bn2", s.conv(name+".conv2", y, width, 3, stride, 1), false))
	y = s.norm(name+".bn3", s.conv(name+".conv3", y, out, 1, 1, 0), true)
	z := s.norm(name+".down.bn", s.conv(name+".down", x, out, 1, stride, 0), false)
	return s.node(name+".relu", "Relu", nil, out, s.node(name+".add", "Add", nil, out, y, z))
}

func (s *small) dense(name, x string, out int) string {
	in := s.channels[x]
	w := s.parameter(name+".weight", network.Trainable, network.Init{Kind: "normal", Std: math.Sqrt(1 / float64(in))}, out, in)
	b := s.parameter(name+".bias", network.Trainable, network.Init{Kind: "normal", Std: 0.1}, out)
	return s.node(name, "Gemm", network.Attributes{"alpha": 1.0, "beta": 1.0, "transA": 0, "transB": 1}, out, x, w, b)
}

// probePlan is a workload of that network.
func probePlan(t *testing.T, mode plan.Mode, batch int) *plan.Plan {
	t.Helper()
	net, err := probe(batch, 28)
	if err != nil {
		t.Fatal(err)
	}
	p := plan.From(net, plan.ID{Network: net.Name, Mode: mode, Batch: batch, Precision: "fp32"}, 7, 1e-3)
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	return p
}
