package onnx_test

import (
	"github.com/dlbench/dlbench/workloads/evaluate"
	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/onnx"
)

// What came in is computed without a runner, and held against what ONNX Runtime
// says of the file.

// evaluated returns the network's outputs by name.
func evaluated(m *onnx.Model, input []float64) (map[string][]float64, error) {
	all, err := activations(m.Network, m.Values, input)
	if err != nil {
		return nil, err
	}
	out := map[string][]float64{}
	for _, name := range m.Network.Outputs {
		out[name] = all[name]
	}
	return out, nil
}

// activations returns all that a network computes, by name.
func activations(net *network.Network, parameter func(string) ([]float32, error), input []float64) (map[string][]float64, error) {
	all := map[string][]float64{}
	err := evaluate.Run(net, parameter, input, func(name string, values []float64) { all[name] = values })
	return all, err
}

func count(shape []int) int { return int(network.Elements(shape)) }
