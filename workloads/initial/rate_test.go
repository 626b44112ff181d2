package initial_test

import (
	"testing"

	"github.com/dlbench/dlbench/workloads/initial"
	"github.com/dlbench/dlbench/workloads/network"
)

func TestLearningRate(t *testing.T) {
	for operator, rate := range map[string]float64{
		"BatchNormalization": 1e-4,
		"LayerNormalization": 1e-4,
		"LRN":                1e-5, // scales by neighbours, bounds nothing
		"Relu":               1e-5,
	} {
		net := &network.Network{Nodes: []network.Node{{Op: "Conv"}, {Op: operator}, {Op: "Gemm"}}}
		if got := initial.LearningRate(net); got != rate {
			t.Errorf("a network with %s: rate %v, expected %v", operator, got, rate)
		}
	}
}
