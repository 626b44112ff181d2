package plan_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/plan/plantest"
)

// Labels are of images, of pixels, or of classes that an image has or has not.
func TestLabelsInTheBatchFile(t *testing.T) {
	for id, want := range map[string]struct {
		shape  []int
		loss   string
		floats bool
	}{
		"lenet/train/b3/fp32":      {[]int{3}, "softmax_cross_entropy", false},
		"unet@16/train/b2/fp32":    {[]int{2, 16, 16}, "softmax_cross_entropy", false},
		"unet@16/infer/b2/fp32":    {[]int{2, 16, 16}, "", false},
		"nnunet@32/train/b2/fp32":  {[]int{2, 32, 32}, "dice_cross_entropy", false},
		"unet3d@8/train/b1/fp32":   {[]int{1, 8, 8, 8}, "dice_cross_entropy", false},
		"chexnet@32/train/b2/fp32": {[]int{2, 14}, "sigmoid_cross_entropy", true},
		"chexnet@32/infer/b2/fp32": {[]int{2}, "", false},
	} {
		p := mustMake(t, id, 1)
		if p.Mode == plan.Train && p.Training.Loss != want.loss {
			t.Errorf("%s: loss %s", id, p.Training.Loss)
		}
		if err := p.Check(); err != nil {
			t.Errorf("%s: %v", id, err)
		}
		file := plantest.Batch(t, p)
		read := file.Int64s
		if want.floats {
			read = func(name string) ([]int64, error) {
				values, err := file.Float32s(name)
				out := make([]int64, len(values))
				for i, v := range values {
					out[i] = int64(v)
				}
				return out, err
			}
		}
		labels, err := read("labels.1")
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		if info, _ := file.Info("labels.1"); !slices.Equal(info.Shape, want.shape) {
			t.Errorf("%s: labels are %v, want %v", id, info.Shape, want.shape)
		}
		most := int64(p.Classes - 1)
		if want.floats {
			most = 1
		}
		if slices.Min(labels) < 0 || slices.Max(labels) > most || len(labels) > 10 && slices.Min(labels) == slices.Max(labels) {
			t.Errorf("%s: labels go from %d to %d", id, slices.Min(labels), slices.Max(labels))
		}
	}
}

// A batch of findings is another file than one of classes, and that of pixels.
func TestBatchFilesOfLossesDiffer(t *testing.T) {
	dir := t.TempDir()
	paths := map[string]string{}
	for _, id := range []string{"chexnet@32/train/b2/fp32", "chexnet@32/infer/b2/fp32"} {
		files, err := plan.Materialize(t.Context(), dir, plantest.Weightless(mustMake(t, id, 1)))
		if err != nil {
			t.Fatal(err)
		}
		if other := paths[files.Batch.Path]; other != "" {
			t.Errorf("%s and %s have one file %s", id, other, filepath.Base(files.Batch.Path))
		}
		paths[files.Batch.Path] = id
	}
}

func TestLossesThatDoNotFit(t *testing.T) {
	for _, c := range []struct {
		id   string
		edit func(*plan.Training)
		want string
	}{
		{"unet@16/train/b1/fp32", func(g *plan.Training) { g.Loss = "sigmoid_cross_entropy" }, "which is of images"},
		{"lenet/train/b1/fp32", func(g *plan.Training) { g.Loss, g.Dice = "dice_cross_entropy", &plan.Dice{Smooth: 1} }, "which is of pixels"},
		{"unet@16/train/b1/fp32", func(g *plan.Training) { g.Loss = "dice_cross_entropy" }, "training.dice do not go together"},
		{"unet@16/train/b1/fp32", func(g *plan.Training) { g.Dice = &plan.Dice{Smooth: 1} }, "training.dice do not go together"},
		{"nnunet@32/train/b1/fp32", func(g *plan.Training) { g.Dice.Smooth = 0 }, "training.dice.smooth is 0"},
	} {
		p := mustMake(t, c.id, 1)
		c.edit(p.Training)
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.id, err, c.want)
		}
	}
}

func TestNeedsHaveTheLoss(t *testing.T) {
	for id, want := range map[string]string{
		"unet@16/train/b1/fp32": "loss SoftmaxCrossEntropy.pixels", "unet@16/infer/b1/fp32": "", "nnunet@32/train/b1/fp32": "loss DiceCrossEntropy",
		"chexnet@32/train/b1/fp32": "loss SigmoidCrossEntropy", "lenet/train/b1/fp32": "",
	} {
		got := ""
		for _, need := range mustMake(t, id, 1).Needs() {
			if need.Node == "" {
				got = need.String()
			}
		}
		if got != want {
			t.Errorf("%s needs %q, want %q", id, got, want)
		}
	}
}
