package plan

import (
	"math"
	"slices"

	"github.com/dlbench/dlbench/workloads/network"
)

// folding is a batch normalisation that becomes part of the convolution before it.
type folding struct {
	weight, own                  string // of the convolution; own is its bias, or empty
	scale, shift, mean, variance string
	epsilon                      float64
}

// folded is a plan that infers whose batch normalisations behind convolutions are
// part of them, and the names of these nodes. The shift's name is that of the bias.
func (p *Plan) folded() (*Plan, []string) {
	g := graphOf(&p.Network)
	names, at, gone := []string{}, map[string]folding{}, map[string]bool{}
	renamed := map[string]network.Node{} // convolutions that there are instead
	for _, n := range p.Network.Nodes {
		if n.Op != "BatchNormalization" {
			continue
		}
		conv, made := g.makers[n.Inputs[0]]
		if !made || conv.Op != "Conv" || len(g.readers[conv.Output]) > 1 || slices.Contains(p.Network.Outputs, conv.Output) {
			continue
		}
		f := folding{weight: conv.Inputs[1], scale: n.Inputs[1], shift: n.Inputs[2], mean: n.Inputs[3], variance: n.Inputs[4],
			epsilon: n.Attributes.Float("epsilon")}
		if len(conv.Inputs) > 2 {
			f.own = conv.Inputs[2]
		}
		names = append(names, n.Name)
		at[f.weight], at[f.shift] = f, f
		for _, name := range []string{f.own, f.scale, f.mean, f.variance} {
			gone[name] = true
		}
		conv.Inputs, conv.Output = []string{conv.Inputs[0], f.weight, f.shift}, n.Output
		renamed[conv.Name] = conv
	}
	q := *p
	q.Network.Nodes, q.Network.Parameters = nil, nil
	for _, n := range p.Network.Nodes {
		if conv, ok := renamed[n.Name]; ok {
			n = conv
		}
		if !slices.Contains(names, n.Name) {
			q.Network.Nodes = append(q.Network.Nodes, n)
		}
	}
	for _, param := range p.Network.Parameters {
		if !gone[param.Name] {
			q.Network.Parameters = append(q.Network.Parameters, param)
		}
	}
	if len(names) > 0 {
		q.values = func(parameter string) ([]float32, error) {
			f, ok := at[parameter]
			if !ok {
				return p.Values(parameter)
			}
			return f.values(p, parameter)
		}
	}
	return &q, names
}

// values are those of the convolution that both make.
func (f folding) values(p *Plan, parameter string) ([]float32, error) {
	read := map[string][]float32{}
	for _, name := range []string{parameter, f.own, f.scale, f.mean, f.variance} {
		if name == "" {
			continue
		}
		var err error
		if read[name], err = p.Values(name); err != nil {
			return nil, err
		}
	}
	channels := len(read[f.scale])
	out := make([]float32, len(read[parameter]))
	for i, v := range read[parameter] {
		c := i / (len(out) / channels)
		factor := float64(read[f.scale][c]) / math.Sqrt(float64(read[f.variance][c])+f.epsilon)
		if parameter == f.weight {
			out[i] = float32(float64(v) * factor)
			continue
		}
		before := 0.0
		if f.own != "" {
			before = float64(read[f.own][c])
		}
		out[i] = float32(float64(v) + (before-float64(read[f.mean][c]))*factor)
	}
	return out, nil
}
