package plan_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/workloads/evaluate"
	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/plan"
)

// scaleOf finds an activation of a quantised plan.
func scaleOf(t *testing.T, p *plan.Plan, name string) plan.QuantizedActivation {
	t.Helper()
	a := p.Quantization.Activation(name)
	if a == nil {
		t.Fatalf("%s: %q is not quantised", p.Workload, name)
	}
	return *a
}

// What goes into and comes out of whole operators is quantised: behind rectifiers
// instead of before them, and never the logits.
func TestWhatIsQuantised(t *testing.T) {
	p := mustMake(t, "lenet/infer/b2/int8", 1)
	var names []string
	for _, a := range p.Quantization.Activations {
		names = append(names, a.Name)
	}
	want := []string{"input", "relu1", "pool1", "relu2", "flatten", "relu3", "relu4"}
	if !slices.Equal(names, want) {
		t.Errorf("quantised are %q, want %q", names, want)
	}
	if want := []string{"conv1", "conv2", "fc1", "fc2", "fc3"}; !slices.Equal(p.Quantization.Products, want) {
		t.Errorf("products are %q, want %q", p.Quantization.Products, want)
	}
	if a := scaleOf(t, p, "input"); a.ZeroPoint != 128 {
		t.Errorf("the input may be negative, and its zero point is %d", a.ZeroPoint)
	}
	before, behind := scaleOf(t, p, "relu1"), scaleOf(t, p, "pool1")
	if before.ZeroPoint != 0 || behind.Scale != before.Scale {
		t.Errorf("the rectifier has %+v, the pool behind it %+v: expected no zero point, and one scale", before, behind)
	}
	if floating := p.Floating(); len(floating) > 0 {
		t.Errorf("%q compute in float", floating)
	}
}

// A residual block: the sum's operands are quantised, and the batch normalisations
// are part of the convolutions.
func TestBatchNormalisationsAreFolded(t *testing.T) {
	p, float := mustMake(t, "resnet20/infer/b2/int8", 1), mustMake(t, "resnet20/infer/b2/fp32", 1)
	if n := len(p.Quantization.Folded); n != 21 || len(p.Network.Nodes) != len(float.Network.Nodes)-n {
		t.Errorf("%d are folded, %d nodes of %d are left", n, len(p.Network.Nodes), len(float.Network.Nodes))
	}
	for _, n := range p.Network.Nodes {
		if n.Op != "Add" {
			continue
		}
		for _, name := range n.Inputs {
			scaleOf(t, p, name)
		}
		if p.Quantization.Activation(n.Output) != nil {
			t.Errorf("%q is quantised before the rectifier that is all that reads it", n.Output)
		}
	}
	// The folded network computes what the network did.
	input := make([]float64, network.Elements(p.Network.Input.Shape))
	for i := range input {
		input[i] = math.Sin(float64(i))
	}
	logits := map[*plan.Plan][]float64{}
	for _, each := range []*plan.Plan{p, float} {
		err := evaluate.Run(&each.Network, each.Values, input, func(name string, values []float64) {
			if name == "logits" {
				logits[each] = values
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range logits[float] {
		if got := logits[p][i]; math.Abs(got-want) > 1e-5*math.Abs(want)+1e-6 {
			t.Fatalf("logit %d is %v, without folding %v", i, got, want)
		}
	}
}

// All workloads of a network have one calibration, so that the images of a small
// batch are computed as those of a large one.
func TestScalesAreTheSameAtEveryBatch(t *testing.T) {
	one, many := mustMake(t, "resnet20/infer/b1/int8", 1), mustMake(t, "resnet20/infer/b16/int8", 1)
	if !slices.Equal(one.Quantization.Activations, many.Quantization.Activations) {
		t.Errorf("scales are %v at batch 1, %v at batch 16", one.Quantization.Activations, many.Quantization.Activations)
	}
}

// A scale is the least power of two that holds all values of the calibration.
func TestScalesHoldWhatWasCalibrated(t *testing.T) {
	float := mustMake(t, "lenet/infer/b2/fp32", 1)
	ranges, err := float.Ranges()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		range_ [2]float64
		scale  float64
		zero   int
	}{{[2]float64{0, 255}, 1, 0}, {[2]float64{0, 255.5}, 2, 0}, {[2]float64{0, 127.5}, 0.5, 0}, {[2]float64{-128, 1}, 1, 128}, {[2]float64{-1, 127.5}, 2, 128},
		{[2]float64{0, 0}, 1, 0}, {[2]float64{0, 3e-30}, 0x1p-40, 0}} {
		ranges["relu1"] = c.range_
		q, err := float.Quantize(ranges)
		if err != nil {
			t.Fatal(err)
		}
		if a := scaleOf(t, q, "relu1"); a.Scale != c.scale || a.ZeroPoint != c.zero {
			t.Errorf("of %v: scale %g and zero point %d, want %g and %d", c.range_, a.Scale, a.ZeroPoint, c.scale, c.zero)
		}
	}
	delete(ranges, "relu1")
	if _, err := float.Quantize(ranges); err == nil || !strings.Contains(err.Error(), `"relu1" was not calibrated`) {
		t.Errorf("without a range: %v", err)
	}
}

// Runtimes leave out a Clip that the saturation of what follows it is.
func TestAClipIsTheSaturation(t *testing.T) {
	p := mustMake(t, "mobilenet-v2@32/infer/b1/int8", 1)
	seen := 0
	for _, n := range p.Network.Nodes {
		if a := p.Quantization.Activation(n.Output); n.Op == "Clip" && a != nil {
			seen++
			if most := n.Attributes.Float("max"); 255*a.Scale > most {
				t.Errorf("%q reaches %g, its Clip %g", n.Name, 255*a.Scale, most)
			}
		}
	}
	if seen == 0 {
		t.Error("no Clip is quantised")
	}
}

// What has no whole form stays in float, between quantised activations: gates and
// their products, norms without a convolution before them, transposed convolutions,
// and a convolution that makes the logits.
func TestWhatStaysFloat(t *testing.T) {
	for workload, want := range map[string][]string{
		"unet@16/infer/b1/int8":      {"up1.up", "up2.up", "up3.up", "up4.up", "outc"},
		"googlenet@64/infer/b1/int8": {"pool1.norm1", "conv2.norm2"},
	} {
		if got := mustMake(t, workload, 1).Floating(); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", workload, got, want)
		}
	}
	gates := mustMake(t, "mobilenet-v3-large@32/infer/b1/int8", 1)
	for _, n := range gates.Network.Nodes {
		whole := slices.Contains([]string{"Conv", "Gemm", "Relu", "Add", "GlobalAveragePool", "Flatten", "Dropout"}, n.Op)
		if slices.Contains(gates.Floating(), n.Name) == whole {
			t.Errorf("%s %q: whole is %v", n.Op, n.Name, whole)
		}
	}
}

// A decoded plan is checked: one that means two things is refused.
func TestBrokenQuantizationIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		break_ func(p *plan.Plan)
		says   string
	}{
		"absent":            {func(p *plan.Plan) { p.Quantization = nil }, "do not go together"},
		"in float32":        {func(p *plan.Plan) { p.Precision = plan.FP32 }, "do not go together"},
		"no such node":      {func(p *plan.Plan) { p.Quantization.Activations[1].Name = "relu" }, `"relu" is the output of no node`},
		"twice":             {func(p *plan.Plan) { p.Quantization.Activations[1].Name = "input" }, `"input" is there twice`},
		"no power of two":   {func(p *plan.Plan) { p.Quantization.Activations[1].Scale = 0.3 }, "expected a power of two"},
		"negative":          {func(p *plan.Plan) { p.Quantization.Activations[1].Scale = -0.5 }, "expected a power of two"},
		"zero point":        {func(p *plan.Plan) { p.Quantization.Activations[1].ZeroPoint = 127 }, "expected 0 or 128"},
		"a pool":            {func(p *plan.Plan) { p.Quantization.Products[0] = "pool1" }, `"pool1" is no convolution or dense layer`},
		"of what is float":  {func(p *plan.Plan) { p.Quantization.Activations = p.Quantization.Activations[1:] }, `the input "input" of "conv1" is not quantised`},
		"whole and no more": {func(*plan.Plan) {}, ""},
	} {
		p := mustMake(t, "lenet/infer/b2/int8", 1)
		c.break_(p)
		data, err := p.Encode()
		if err != nil {
			t.Fatal(err)
		}
		_, err = plan.Decode(data)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

// Training has no quantised graph: runners refuse it, and say why.
func TestInt8DoesNotTrain(t *testing.T) {
	if p := mustMake(t, "lenet/train/b2/int8", 1); p.Quantization != nil || p.Precision != plan.INT8 {
		t.Errorf("precision %s, quantization %v", p.Precision, p.Quantization)
	}
}
