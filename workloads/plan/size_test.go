package plan_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/workloads/plan"
)

// By hand: LeNet has 61,706 parameters; its images are 28×28, its largest
// activation is conv1's, 6×28×28, and its convolutions and dense layers make
// 6·28·28 + 16·10·10 + 120 + 84 + 10 numbers an image.
func TestSize(t *testing.T) {
	infer := mustMake(t, "lenet/infer/b8/fp32", 1).Size()
	if want := (plan.Size{Inputs: 2 * 8 * 784 * 4, Weights: 61_706 * 4, Activations: 8 * 4704 * 4}); infer != want {
		t.Errorf("inference %+v, want %+v", infer, want)
	}
	train := mustMake(t, "lenet/train/b8/fp32", 1).Size()
	if want := (plan.Size{Inputs: 2 * 8 * 784 * 4, Weights: 3 * 61_706 * 4, Activations: 8 * (4704 + 1600 + 120 + 84 + 10) * 4}); train != want {
		t.Errorf("training %+v, want %+v", train, want)
	}
}

func TestFits(t *testing.T) {
	p := mustMake(t, "resnet50/infer/b8/fp32", 1)
	if err := p.Fits(p.Size().Total()); err != nil {
		t.Errorf("what just fits: %v", err)
	}
	err := p.Fits(p.Size().Total() - 1)
	var refusal *plan.TooLargeError
	if !errors.As(err, &refusal) || !strings.HasPrefix(err.Error(), "workload resnet50/infer/b8/fp32: batch 8 cannot fit: inputs 9.6 MB, weights 102 MB and activations of at least 26 MB, ") {
		t.Errorf("got %v", err)
	}
}

// A batch by mistake is refused before a byte is written.
func TestMaterializeRefusesWhatCannotFit(t *testing.T) {
	dir := t.TempDir()
	_, err := plan.Materialize(t.Context(), dir, mustMake(t, "resnet50/infer/b80000/fp32", 1))
	var refusal *plan.TooLargeError
	if !errors.As(err, &refusal) || refusal.Size.Inputs != 2*80_000*150_528*4 {
		t.Fatalf("got %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}

func TestWeightsOfAFile(t *testing.T) {
	drawn := mustMake(t, "lenet/infer/b2/fp32", 1)
	p := mustMake(t, "lenet/infer/b2/fp32", 1)
	w := plan.Weights{Source: "file", File: "m.onnx", SHA256: strings.Repeat("3f", 32)}
	broken := errors.New("the file went away")
	p.Take(w, func(name string) ([]float32, error) {
		if name == "fc3.bias" {
			return nil, broken
		}
		return drawn.Values(name)
	})
	dir := t.TempDir()
	if _, err := plan.Materialize(t.Context(), dir, p); !errors.Is(err, broken) {
		t.Errorf("a file that went away: %v", err)
	}
	p.Take(w, func(name string) ([]float32, error) {
		values, err := drawn.Values(name)
		for k := range values {
			values[k]++
		}
		return values, err
	})
	files, err := plan.Materialize(t.Context(), dir, p)
	if err != nil {
		t.Fatal(err)
	}
	other, err := plan.Materialize(t.Context(), dir, drawn)
	if err != nil {
		t.Fatal(err)
	}
	if files.Weights.SHA256 == other.Weights.SHA256 || files.Weights.Path == other.Weights.Path || files.Plan.SHA256 == other.Plan.SHA256 {
		t.Error("weights of a file are taken for drawn ones")
	}
	if files.Batch != other.Batch {
		t.Error("the batch is another")
	}
	again, err := plan.Decode(encode(t, p))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Values("fc3.bias"); err == nil || !strings.Contains(err.Error(), "its weights are those of m.onnx, which was not read") {
		t.Errorf("got %v", err)
	}
	p.Weights.SHA256 = "3f"
	if err := p.Check(); err == nil || !strings.Contains(err.Error(), "expected 64 hexadecimal digits") {
		t.Errorf("got %v", err)
	}
}
