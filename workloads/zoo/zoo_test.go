package zoo_test

import (
	"math"
	"strings"
	"testing"

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
