package catalog_test

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/workloads/catalog"
	"github.com/dlbench/dlbench/workloads/data"
	"github.com/dlbench/dlbench/workloads/data/datatest"
	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/onnx"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/plan/plantest"
)

const (
	open  = "../onnx/testdata/dynamic_batch_external.onnx"
	fixed = "../onnx/testdata/fixed_batch_1.onnx"
)

func added(t *testing.T, path string, weights catalog.WeightsSource) (*catalog.Catalog, catalog.File) {
	t.Helper()
	var c catalog.Catalog
	f, err := c.Add(path, nil, weights)
	if err != nil {
		t.Fatal(err)
	}
	return &c, f
}

func made(t *testing.T, c *catalog.Catalog, workload string) *plan.Plan {
	t.Helper()
	id, err := c.ParseID(workload)
	if err != nil {
		t.Fatal(err)
	}
	p, err := c.New(id, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPlansOfAFile(t *testing.T) {
	c, f := added(t, open, catalog.ByMode)
	infer, train := made(t, c, f.Name+"/infer/b8/fp32"), made(t, c, f.Name+"/train/b4/fp32")
	if infer.Weights == nil || infer.Weights.File != "dynamic_batch_external.onnx" || !strings.HasPrefix(infer.Weights.SHA256, f.Name[len(f.Name)-4:]) {
		t.Errorf("inference has weights %+v, want the file's", infer.Weights)
	}
	if train.Weights != nil || train.Training == nil || train.Batch != 4 {
		t.Errorf("training has weights %+v, want drawn ones", train.Weights)
	}
	if infer.Workload != f.Name+"/infer/b8/fp32" || infer.Classes != 10 || !slices.Equal(infer.Network.Input.Shape, []int{8, 3, 32, 32}) {
		t.Errorf("workload %s, %d classes, input %v", infer.Workload, infer.Classes, infer.Network.Input.Shape)
	}
	files, err := plan.Materialize(t.Context(), t.TempDir(), infer)
	if err != nil {
		t.Fatal(err)
	}
	// The weights beside the model are in the file that runners get, byte for byte.
	data, err := os.ReadFile(files.Weights.Path)
	if err != nil {
		t.Fatal(err)
	}
	beside, err := os.ReadFile(open + ".data")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, beside[:1728]) {
		t.Error("the first convolution's weights are not in the weights file")
	}
	for weights, want := range map[catalog.WeightsSource][2]bool{catalog.OfFile: {true, true}, catalog.Generated: {false, false}} {
		c, f := added(t, open, weights)
		if got := [2]bool{made(t, c, f.Name+"/infer/b1/fp32").Weights != nil, made(t, c, f.Name+"/train/b2/fp32").Weights != nil}; got != want {
			t.Errorf("weights %s: of the file in inference and training %v, want %v", weights, got, want)
		}
	}
}

// The plan of a file that labels the voxels of volumes: its size is given beside
// it, and it is trained by cross-entropy of each.
func TestPlansOfVolumes(t *testing.T) {
	var c catalog.Catalog
	f, err := c.Add("../onnx/testdata/unet3d.onnx", []int{1, 16, 16, 16}, catalog.ByMode)
	if err != nil {
		t.Fatal(err)
	}
	infer, train := made(t, &c, f.Name+"/infer/b1/fp32"), made(t, &c, f.Name+"/train/b1/fp32")
	if !slices.Equal(infer.Network.Input.Shape, []int{1, 1, 16, 16, 16}) || infer.Classes != 2 || !slices.Equal(infer.Logits(), []int{1, 2, 16, 16, 16}) {
		t.Errorf("input %v, %d classes, logits %v", infer.Network.Input.Shape, infer.Classes, infer.Logits())
	}
	if train.Training.Loss != network.SoftmaxCrossEntropy || len(train.Labels(0)) != 16*16*16 {
		t.Errorf("loss %q, %d labels", train.Training.Loss, len(train.Labels(0)))
	}
}

// What dlbench wrote is trained by the loss that it had.
func TestLossOfAWrittenFile(t *testing.T) {
	m, err := onnx.Read("../onnx/testdata/unet3d.onnx", onnx.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for loss, want := range map[string]string{network.DiceCrossEntropy: "", network.SigmoidCrossEntropy: `training.loss is "sigmoid_cross_entropy", which is of images`, "hinge": `metadata: dlbench.loss is "hinge", wants one of`} {
		path := filepath.Join(t.TempDir(), "written.onnx")
		e := onnx.Export{Network: m.Network, Values: m.Values, Origin: onnx.Origin{Workload: "unet3d/train/b1/fp32", Seed: 1, LearningRate: 1e-4, Loss: loss, DiceBatch: true}}
		if err := onnx.Write(path, e); err != nil {
			t.Fatal(err)
		}
		var c catalog.Catalog
		f, err := c.Add(path, nil, catalog.ByMode)
		var back *plan.Plan
		if err == nil {
			back, err = c.New(plan.ID{Network: f.Name, Mode: plan.Train, Batch: 1, Precision: plan.FP32}, 1)
		}
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s: got %v, want %q", loss, err, want)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if back.Training.Loss != loss || back.Training.Dice == nil || !back.Training.Dice.Batch {
			t.Errorf("training %+v", back.Training)
		}
	}
}

func TestParityPlans(t *testing.T) {
	c, f := added(t, open, catalog.ByMode)
	for workload, batch := range map[string]int{"/infer/b64/fp32": 2, "/infer/b1/fp32": 1, "/train/b64/fp32": 8, "/train/b3/fp32": 3} {
		id, err := c.ParseID(f.Name + workload)
		if err != nil {
			t.Fatal(err)
		}
		if p, err := c.Parity(id, 1); err != nil || p.Batch != batch {
			t.Errorf("%s: %+v, %v; want batch %d", workload, p, err, batch)
		}
	}
}

func TestZooIsThereToo(t *testing.T) {
	c, f := added(t, fixed, catalog.ByMode)
	if p := made(t, c, "lenet/infer/b2/fp32"); p.Network.Name != "lenet" {
		t.Errorf("got %s", p.Network.Name)
	}
	if all := c.Names(); all[0] != f.Name || !slices.Contains(all, "resnet50") {
		t.Errorf("names %v", all)
	}
}

func TestRefusals(t *testing.T) {
	c, f := added(t, fixed, catalog.ByMode)
	for text, want := range map[string]string{
		f.Name + "/infer/b8/fp32":    "fixes its batch to 1",
		f.Name + "@64/infer/b1/fp32": "the size of a file's images is given as --input CxHxW",
		"fixed_batch/infer/b1/fp32":  "unknown network \"fixed_batch\"; did you mean \"" + f.Name + "\"?",
		f.Name + "/infer/b1":         "expected network/mode/bBATCH/precision",
	} {
		if _, err := c.ParseID(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
	if _, err := c.Add(fixed, nil, catalog.ByMode); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("twice: %v", err)
	}
	if _, err := catalog.ParseWeights("drawn"); err == nil || !strings.Contains(err.Error(), `unknown source of weights "drawn"; there are "file", "generated"`) {
		t.Errorf("got %v", err)
	}
}

// From the same directory a network for images takes slices, one for volumes
// series; what it cannot take is refused before anything is built.
func TestScans(t *testing.T) {
	dir := t.TempDir()
	for i := range 4 {
		content := datatest.DICOM{Elements: datatest.At("1.2.3", fmt.Sprint(3*i)), Pixels: datatest.Words(slices.Repeat([]int{100 * i}, 6)...)}.Bytes(t)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.dcm", i)), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var c catalog.Catalog
	use := func() {
		set, err := data.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		c.UseImages(set)
	}
	use()
	for workload, want := range map[string]plan.Inputs{
		"lenet/infer/b2/fp32":    {Source: "slices", Images: 4},
		"unet3d@8/infer/b2/fp32": {Source: "volumes", Images: 1},
	} {
		if in := made(t, &c, workload).Inputs; in.Source != want.Source || in.Images != want.Images || in.Classes != 1 || !slices.Equal(in.Formats, []string{"dicom"}) {
			t.Errorf("%s: %+v", workload, in)
		}
	}
	values, err := plantest.Batch(t, made(t, &c, "unet3d@8/infer/b2/fp32")).Float32s("input.0")
	if err != nil || len(values) != 2*8*8*8 {
		t.Fatalf("%d values, %v", len(values), err)
	}
	if first, last := values[0], values[8*8*8-1]; math.Abs(float64(first)+0.449/0.226) > 1e-6 || math.Abs(float64(last)-0.551/0.226) > 1e-6 || !slices.IsSorted(values[:8*8*8]) {
		t.Errorf("the first volume goes from %v to %v", first, last)
	}
	if err := os.Remove(filepath.Join(dir, "1.dcm")); err != nil {
		t.Fatal(err)
	}
	use()
	id, err := c.ParseID("unet3d@8/infer/b2/fp32")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.New(id, 1); err == nil || !strings.Contains(err.Error(), "workload unet3d@8/infer/b2/fp32: DICOM file ") || !strings.Contains(err.Error(), "are missing or unequally spaced") {
		t.Errorf("got %v", err)
	}
}

// A file that is another one by the time it is measured is not a workload of the
// record.
func TestAFileThatChanges(t *testing.T) {
	data, err := os.ReadFile(fixed)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m.onnx")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	c, f := added(t, path, catalog.ByMode)
	data[len(data)/2] ^= 1 // within the largest weights
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	id, err := c.ParseID(f.Name + "/infer/b1/fp32")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.New(id, 1); err == nil || !strings.Contains(err.Error(), "it was "+f.Name+" when it was read first") {
		t.Errorf("got %v", err)
	}
}
