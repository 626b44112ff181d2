package zoo_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/zoo"
)

// The counts of parameters are torchvision's for the same networks; the
// multiply-accumulates of ResNet-50 v1.5 are the usual 4.09e9.
func TestCounts(t *testing.T) {
	for _, want := range []struct {
		name       string
		parameters int64
		gmac       float64
	}{
		{"lenet", 61_706, 0.00041652},
		{"resnet20", 272_474, 0.0408},
		{"resnet18", 11_689_512, 1.81},
		{"resnet34", 21_797_672, 3.66},
		{"resnet50", 25_557_032, 4.09},
		{"resnet101", 44_549_160, 7.80},
		{"resnet152", 60_192_808, 11.51},
		{"resnet50-v1", 25_557_032, 3.86},        // He et al. 2016: 3.8e9
		{"resnet50-v2", 25_549_352, 4.089},       // timm's resnetv2_50; its convolutions are those of v1.5
		{"resnext50-32x4d", 25_028_904, 4.230},   // torchvision, as all without a comment
		{"wide-resnet50-2", 68_883_240, 11.398},  //
		{"alexnet", 61_100_840, 0.714},           //
		{"zfnet", 62_357_608, 1.17},              // from figure 3 of the paper
		{"overfeat", 145_920_872, 2.810},         // table 4 of the paper: 145 million, 2810 million
		{"vgg11", 132_863_336, 7.609},            //
		{"vgg11-bn", 132_868_840, 7.609},         //
		{"vgg13", 133_047_848, 11.308},           //
		{"vgg13-bn", 133_053_736, 11.308},        //
		{"vgg16", 138_357_544, 15.470},           //
		{"vgg16-bn", 138_365_992, 15.470},        //
		{"vgg19", 143_667_240, 19.632},           //
		{"vgg19-bn", 143_678_248, 19.632},        //
		{"googlenet", 6_998_552, 1.58},           // bvlc_googlenet
		{"inception-v3", 23_834_568, 5.713},      // torchvision's less its auxiliary classifier
		{"densenet121", 7_978_856, 2.834},        //
		{"densenet169", 14_149_480, 3.360},       //
		{"squeezenet1.1", 1_235_496, 0.349},      //
		{"mobilenet-v1", 4_231_976, 0.569},       // the paper's table 4: 4.2 million, 569 million
		{"mobilenet-v2", 3_504_872, 0.301},       //
		{"mobilenet-v3-large", 5_483_032, 0.217}, //
		{"shufflenet-v2", 2_278_604, 0.145},      //
		{"efficientnet-b0", 5_288_548, 0.386},    //
		{"regnety-400mf", 4_344_144, 0.402},      //
		{"convnext-tiny", 28_589_128, 4.456},     //
		{"unet", 31_036_546, 48.10},              // milesial/Pytorch-UNet's with one channel and two classes
		{"unet-resize", 17_261_890, 39.91},       // the same, bilinear
		{"nnunet", 20_617_187, 14.22},            // counted by layers of PlainConvUNet
		{"chexnet", 6_968_206, 2.833},            // torchvision's DenseNet-121 less 986 of its 1000 outputs
		{"resnet50-multilabel", 23_536_718, 4.087},
		{"unet3d", 19_072_899, 30.53}, // the paper's 19,069,955, two input channels fewer (1728), with batch norms' 4672, which it does not count
		{"resnet18-3d", 33_161_539, 1.963},
	} {
		t.Run(want.name, func(t *testing.T) {
			entry, err := zoo.Get(want.name)
			if err != nil {
				t.Fatal(err)
			}
			for _, batch := range []int{1, 3} {
				net, err := entry.Build(batch)
				if err != nil {
					t.Fatal(err)
				}
				got, err := net.Counts()
				if err != nil {
					t.Fatal(err)
				}
				if got.Parameters != want.parameters {
					t.Errorf("batch %d: %d parameters, want %d", batch, got.Parameters, want.parameters)
				}
				if gmac := float64(got.MACs) / 1e9; math.Abs(gmac-want.gmac) > 0.005*want.gmac {
					t.Errorf("batch %d: %.4f GMAC, want %.4f", batch, gmac, want.gmac)
				}
			}
		})
	}
}

// v1.5 halves the resolution in the 3×3 convolution of a bottleneck.
func TestStridePlace(t *testing.T) {
	entry, err := zoo.Get("resnet50")
	if err != nil {
		t.Fatal(err)
	}
	net, err := entry.Build(1)
	if err != nil {
		t.Fatal(err)
	}
	shapes := map[string][]int{}
	for _, n := range net.Nodes {
		shapes[n.Name] = n.Shape
	}
	for name, side := range map[string]int{"maxpool": 56, "layer2.0.conv1": 56, "layer2.0.conv2": 28, "layer4.2.relu": 7} {
		if shapes[name][2] != side || shapes[name][3] != side {
			t.Errorf("%s has shape %v, want sides of %d", name, shapes[name], side)
		}
	}
}

func TestUnknownNetworkOffersNearest(t *testing.T) {
	_, err := zoo.Get("resnet5")
	if err == nil || !strings.Contains(err.Error(), "resnet50") {
		t.Errorf("error is %v, want resnet50 offered", err)
	}
}

// A runner that ignores a parameter, or takes the framework's own start for it,
// must fail parity: nothing is a constant, and nothing sits at 0 or 1.
func TestInitsAreNoDefaults(t *testing.T) {
	for _, name := range zoo.Names() {
		for _, p := range build(t, name).Parameters {
			i := p.Init
			if i.Kind == "uniform" && i.High-i.Low < 0.03 || i.Kind == "normal" && i.Std < 0.005 {
				t.Errorf("%s: %s is nearly constant: %+v", name, p.Name, i)
			}
			if strings.HasSuffix(p.Name, ".running_var") && (i.Low <= 0 || p.Role != network.RunningVariance) {
				t.Errorf("%s: %s is %+v", name, p.Name, p)
			}
		}
	}
}

// The last normalisation of every residual branch is damped, and no other.
func TestDamping(t *testing.T) {
	for name, last := range map[string]string{"resnet18": "bn2", "resnet20": "bn2", "resnet50": "bn3", "resnet152": "bn3"} {
		damped := 0
		for _, p := range build(t, name).Parameters {
			if p.Init.Kind != "uniform" || !strings.HasSuffix(p.Name, ".weight") {
				continue
			}
			branchEnd := strings.HasPrefix(p.Name, "layer") && strings.HasSuffix(p.Name, "."+last+".weight")
			if branchEnd != (p.Init.High < 0.5) {
				t.Errorf("%s: %s is drawn from %v to %v", name, p.Name, p.Init.Low, p.Init.High)
			}
			if branchEnd {
				damped++
			}
		}
		if want := map[string]int{"resnet18": 8, "resnet20": 9, "resnet50": 16, "resnet152": 50}[name]; damped != want {
			t.Errorf("%s: %d branches are damped, want %d", name, damped, want)
		}
	}
}

// The names and shapes are torchvision's, so that its users can load a state
// dict and readers can find their way.
func TestParameterNames(t *testing.T) {
	shapes := map[string][]int{}
	for _, p := range build(t, "resnet50").Parameters {
		shapes[p.Name] = p.Shape
	}
	for name, want := range map[string][]int{
		"conv1.weight": {64, 3, 7, 7}, "bn1.running_mean": {64}, "layer1.0.conv1.weight": {64, 64, 1, 1},
		"layer1.0.downsample.0.weight": {256, 64, 1, 1}, "layer1.0.downsample.1.running_var": {256},
		"layer2.0.conv2.weight": {128, 128, 3, 3}, "layer4.2.bn3.bias": {2048}, "fc.weight": {1000, 2048}, "fc.bias": {1000},
	} {
		if !slices.Equal(shapes[name], want) {
			t.Errorf("%s is %v, want %v", name, shapes[name], want)
		}
	}
	// torchvision's state dict has 320 entries, of which 53 are num_batches_tracked.
	if len(shapes) != 320-53 {
		t.Errorf("%d tensors, want 267", len(shapes))
	}
}

func TestBuildAt(t *testing.T) {
	entry, err := zoo.Get("resnet50")
	if err != nil {
		t.Fatal(err)
	}
	net, err := entry.BuildAt(4, 96)
	if err != nil {
		t.Fatal(err)
	}
	if want := []int{4, 3, 96, 96}; !slices.Equal(net.Input.Shape, want) {
		t.Errorf("input %v, want %v", net.Input.Shape, want)
	}
	for _, bad := range []struct{ batch, size int }{{0, 96}, {1, 0}, {-1, -1}} {
		if _, err := entry.BuildAt(bad.batch, bad.size); err == nil || !strings.Contains(err.Error(), `network "resnet50"`) {
			t.Errorf("%+v: got %v", bad, err)
		}
	}
	// LeNet is dense after a map of a fixed size that its images decide.
	lenet, err := zoo.Get("lenet")
	if err != nil {
		t.Fatal(err)
	}
	for size := 1; size < 64; size++ {
		net, err := lenet.BuildAt(1, size)
		if fits := size >= 12; fits != (err == nil) {
			t.Errorf("size %d: %v", size, err)
		}
		if err == nil && net.Nodes[len(net.Nodes)-1].Shape[1] != 10 {
			t.Errorf("size %d: %v", size, net.Nodes[len(net.Nodes)-1].Shape)
		}
	}
}

func build(t *testing.T, name string) *network.Network {
	t.Helper()
	entry, err := zoo.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	net, err := entry.Build(1)
	if err != nil {
		t.Fatal(err)
	}
	return net
}
