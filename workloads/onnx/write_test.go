package onnx_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/onnx"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/zoo"
)

func made(t *testing.T, workload string) *plan.Plan {
	t.Helper()
	id, err := plan.ParseID(workload)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan.New(id, 7)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// valuesOf are a plan's weights: as they are drawn, or numbers that count, and tell
// one parameter from another, where drawing would take seconds.
func valuesOf(p *plan.Plan) func(parameter string) ([]float32, error) {
	if counts, err := p.Network.Counts(); err == nil && counts.Parameters < 1e6 {
		return p.Values
	}
	return func(parameter string) ([]float32, error) {
		which := slices.IndexFunc(p.Network.Parameters, func(of network.Parameter) bool { return of.Name == parameter })
		return counting(which, int(network.Elements(p.Network.Parameters[which].Shape))), nil
	}
}

// counted are numbers that count, so little that 152 layers do not overflow: a
// thousand million of them would take long to make each time.
var counted []float32

func counting(from, n int) []float32 {
	counted = slices.Grow(counted, max(0, from+n-len(counted)))
	for k := len(counted); k < from+n; k++ {
		counted = append(counted, float32(k%8191+1)/1e7)
	}
	return counted[from : from+n]
}

// export writes a plan's network with such weights.
func export(t *testing.T, p *plan.Plan) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "exported.onnx")
	e := onnx.Export{Network: &p.Network, Values: valuesOf(p), Origin: onnx.Origin{Workload: p.Workload, Network: p.Network.Name, Seed: p.Seed}}
	if p.Training != nil {
		e.Origin.LearningRate, e.Origin.Loss = p.Training.Optimizer.LearningRate, p.Training.Loss
		e.Origin.DiceBatch = p.Training.Dice != nil && p.Training.Dice.Batch
	}
	if err := onnx.Write(path, e); err != nil {
		t.Fatal(err)
	}
	return path
}

// Every network of the zoo comes back as the same plan, and with the same
// weights.
func TestExportsComeBack(t *testing.T) {
	for _, name := range zoo.Names() {
		for _, mode := range []plan.Mode{plan.Infer, plan.Train} {
			t.Run(name+"/"+string(mode), func(t *testing.T) {
				p := made(t, name+"/"+string(mode)+"/b2/fp32")
				counts, err := p.Network.Counts()
				if err != nil {
					t.Fatal(err)
				}
				if large := counts.Parameters > 6e6 || mode == plan.Train && counts.Parameters > 1e6; large && testing.Short() {
					t.Skip("hundreds of megabytes")
				}
				comesBack(t, p)
			})
		}
	}
}

func comesBack(t *testing.T, p *plan.Plan) {
	t.Helper()
	m, err := onnx.Read(export(t, p), onnx.Options{Name: p.Network.Name, Batch: p.Batch, Training: p.Mode == plan.Train})
	if err != nil {
		t.Fatal(err)
	}
	if m.Origin == nil || m.Origin.Workload != p.Workload || len(m.Folded)+len(m.Warnings) > 0 {
		t.Fatalf("origin %+v, folded %q, warnings %q", m.Origin, m.Folded, m.Warnings)
	}
	id, err := plan.ParseID(m.Origin.Workload)
	if err != nil {
		t.Fatal(err)
	}
	back := plan.From(m.Network, id, m.Origin.Seed, m.Origin.LearningRate)
	back.TrainBy(m.Loss, m.Origin.DiceBatch)
	want, err := p.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := back.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Fatal(difference(got, want))
	}
	wanted := valuesOf(p)
	for _, parameter := range p.Network.Parameters {
		want, err := wanted(parameter.Name)
		if err != nil {
			t.Fatal(err)
		}
		if values, err := m.Values(parameter.Name); err != nil || !slices.Equal(values, want) {
			t.Fatalf("parameter %q has other values, %v", parameter.Name, err)
		}
	}
}

func difference(got, want []byte) string {
	a, b := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for k := range min(len(a), len(b)) {
		if a[k] != b[k] {
			return "line " + a[k] + "\nwants " + b[k]
		}
	}
	return "other lengths"
}

// ONNX's checker and ONNX Runtime read what was written, and compute what the
// network does.
func TestONNXRuntimeReadsExports(t *testing.T) {
	runtime := startRuntime(t, withRuntime(t))
	for _, name := range zoo.Names() {
		t.Run(name, func(t *testing.T) {
			p := made(t, name+"/infer/b1/fp32")
			counts, err := p.Network.Counts()
			if err != nil {
				t.Fatal(err)
			}
			if testing.Short() && (len(p.Network.Parameters) > 100 || counts.MACs > 1e9) {
				t.Skip("hundreds of megabytes, or minutes")
			}
			path := export(t, p)
			answer := runtime.answer(t, path, 1, "")
			if counts.MACs > 1e7 {
				return // the checker and the runtime took it; loops in Go would take minutes
			}
			m, err := onnx.Read(path, onnx.Options{Batch: 1})
			if err != nil {
				t.Fatal(err)
			}
			computed, err := evaluated(m, images(count(m.Network.Input.Shape)))
			if err != nil {
				t.Fatal(err)
			}
			compare(t, computed["logits"], answer)
		})
	}
}

// The networks of medical images are too large at their own size for loops in Go:
// at a small one ONNX Runtime computes what they do.
func TestSmallMedicalExports(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of megabytes")
	}
	runtime := startRuntime(t, withRuntime(t))
	for _, name := range []string{"unet@16", "unet-resize@16", "nnunet@64", "chexnet@32", "resnet50-multilabel@32", "unet3d@8", "resnet18-3d@16"} {
		t.Run(name, func(t *testing.T) {
			path := export(t, made(t, name+"/infer/b1/fp32"))
			m, err := onnx.Read(path, onnx.Options{Batch: 1})
			if err != nil {
				t.Fatal(err)
			}
			computed, err := evaluated(m, images(count(m.Network.Input.Shape)))
			if err != nil {
				t.Fatal(err)
			}
			nearly(t, judged{Output: computed["logits"]}, runtime.answer(t, path, 1, ""))
		})
	}
}

// What came in goes out, and comes in again as it was.
func TestImportsComeBack(t *testing.T) {
	paths, err := filepath.Glob("testdata/cases/*.onnx")
	if err != nil || len(paths) < 20 {
		t.Fatalf("%d files, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			o := onnx.Options{Name: "n", Batch: 2}
			if strings.Contains(path, "classes-as-a-map") || strings.Contains(path, "norm-of-one-image") {
				o.Batch = 1
			}
			first, err := onnx.Read(path, o)
			if err != nil {
				t.Fatal(err)
			}
			again := filepath.Join(t.TempDir(), "again.onnx")
			if err := onnx.Write(again, onnx.Export{Network: first.Network, Values: first.Values, Origin: onnx.Origin{Workload: "w"}}); err != nil {
				t.Fatal(err)
			}
			second, err := onnx.Read(again, o)
			if err != nil {
				t.Fatal(err)
			}
			a, _ := json.MarshalIndent(first.Network, "", " ")
			b, _ := json.MarshalIndent(second.Network, "", " ")
			if !bytes.Equal(a, b) {
				t.Error(difference(b, a))
			}
		})
	}
}

func TestTurnsGo(t *testing.T) {
	var ops []string
	for _, n := range read(t, "cases/convnext-block.onnx", onnx.Options{Batch: 1}).Network.Nodes {
		ops = append(ops, n.Op)
	}
	want := "Conv Conv Transpose LayerNormalization Transpose Conv Gelu Conv Mul Add GlobalAveragePool Flatten Gemm"
	if got := strings.Join(ops, " "); got != want {
		t.Errorf("nodes %s\nwant  %s", got, want)
	}
	m := read(t, "cases/channels-last-images.onnx", onnx.Options{Batch: 5})
	if !slices.Equal(m.Network.Input.Shape, []int{5, 3, 9, 8}) || m.Network.Nodes[0].Op != "Mul" {
		t.Errorf("input %v, first node %s", m.Network.Input.Shape, m.Network.Nodes[0].Op)
	}
}
