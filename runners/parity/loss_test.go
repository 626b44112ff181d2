package parity

import (
	"math"
	"testing"

	"github.com/dlbench/dlbench/workloads/plan"
)

// With logits of nothing every class has the same share, so that the losses are
// known without a computer: log C, a Dice of C equal shares, log 2.
func TestLossesOfEqualShares(t *testing.T) {
	for id, want := range map[string]func(p *plan.Plan) float64{
		"lenet/train/b3/fp32":      func(*plan.Plan) float64 { return math.Log(10) },
		"unet@16/train/b2/fp32":    func(*plan.Plan) float64 { return math.Log(2) },
		"chexnet@32/train/b2/fp32": func(*plan.Plan) float64 { return math.Log(2) },
		"nnunet@32/train/b2/fp32":  func(p *plan.Plan) float64 { return math.Log(3) - equalDice(p, 1) },
		"unet3d@8/train/b2/fp32":   func(p *plan.Plan) float64 { return math.Log(3) - equalDice(p, 2) },
	} {
		parsed, err := plan.ParseID(id)
		if err != nil {
			t.Fatal(err)
		}
		p, err := plan.New(parsed, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got, size := lossOf(p, make([]float64, product(p.Logits()))); math.Abs(got-want(p)) > 1e-12 || size < math.Abs(got) {
			t.Errorf("%s: %v of size %v, want %v", id, got, size, want(p))
		}
	}
}

// equalDice is the mean of (2·k/3 + s) / (P/3 + k + s) over classes 1 and 2, with k
// the labels of a class and P the pixels, of all images together or of each.
func equalDice(p *plan.Plan, groups int) float64 {
	labels := p.Labels(0)
	pixels := len(labels) / groups
	total := 0.0
	for group := range groups {
		counts := make([]float64, 3)
		for _, label := range labels[group*pixels : (group+1)*pixels] {
			counts[label]++
		}
		for _, k := range counts[1:] {
			total += (2*k/3 + 1e-5) / (float64(pixels)/3 + k + 1e-5)
		}
	}
	return total / float64(2*groups)
}

// Of two pixels with certain logits the Dice and the entropy are those of the
// paper: layout [N, classes, pixels].
func TestSoftmaxKeepsTheLayoutOfPixels(t *testing.T) {
	logits := []float64{9, 0, 0, 9} // class 0 of two pixels, class 1 of two pixels
	shares, entropy := softmax(logits, []int64{0, 1}, 2, 2)
	if shares[0] < 0.99 || shares[3] < 0.99 || shares[1] > 0.01 || entropy > 0.001 {
		t.Errorf("shares %v, entropy %v", shares, entropy)
	}
	if _, wrong := softmax(logits, []int64{1, 0}, 2, 2); wrong < 8 {
		t.Errorf("entropy %v of the wrong labels", wrong)
	}
}
