package parity

import (
	"strings"

	"github.com/dlbench/dlbench/workloads/network"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/tensors"
)

// statistics brings a runner's running variances to the unbiased estimator,
// which the reference keeps. Frameworks differ in it; the adapter declares
// which one it has, and a false declaration fails.
type statistics struct {
	biased    bool
	candidate *tensors.File
	initial   func(parameter string) ([]float64, error)
	norms     map[string]normalization // by running variance
}

type normalization struct {
	momentum float64
	m        float64 // elements that a batch's variance is taken over
}

func newStatistics(p *plan.Plan, candidate *tensors.File, estimator string) *statistics {
	s := &statistics{biased: estimator == "biased", candidate: candidate, initial: p.Initial, norms: map[string]normalization{}}
	for _, n := range p.Network.Nodes {
		if n.Op == "BatchNormalization" {
			s.norms[n.Inputs[len(n.Inputs)-1]] = normalization{momentum: n.Attributes.Float("momentum"), m: perChannel(n)}
		}
	}
	return s
}

// perChannel is N·H·W, or N for features without rows and columns.
func perChannel(n network.Node) float64 {
	m := n.Shape[0]
	for _, extent := range n.Shape[2:] {
		m *= extent
	}
	return float64(m)
}

// unbiased corrects the values of stat.1/… and stat.2/… if they are biased
// variances: the part that came from the batch is scaled by m/(m−1).
func (s *statistics) unbiased(tensor string, values []float64) ([]float64, error) {
	step, parameter, ok := strings.Cut(tensor, "/")
	norm, isVariance := s.norms[parameter]
	if !s.biased || !ok || !isVariance || !strings.HasPrefix(step, "stat.") || norm.m < 2 {
		return values, nil
	}
	old, err := s.initial(parameter)
	if err != nil {
		return nil, err
	}
	corrected, before := old, old
	steps := [][]float64{values}
	if step == "stat.2" {
		first, err := read(s.candidate, "stat.1/"+parameter, []int{len(values)})
		if err != nil {
			return nil, err
		}
		steps = [][]float64{first, values}
	}
	for _, after := range steps {
		next := make([]float64, len(after))
		for i := range after {
			batch := after[i] - norm.momentum*before[i]
			next[i] = norm.momentum*corrected[i] + batch*norm.m/(norm.m-1)
		}
		corrected, before = next, after
	}
	return corrected, nil
}
