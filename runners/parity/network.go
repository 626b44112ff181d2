package parity

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/tensors"
)

// quantity is one check of the network layer: tensors whose names begin so,
// and the floor of their tolerance.
type quantity struct {
	name     string
	prefixes []string
	floor    float64
}

var quantities = []quantity{
	{"outputs", []string{"output."}, outputFloor},
	{"loss", []string{"loss"}, lossFloor},
	{"gradients", []string{"grad.0/", "grad.1/"}, gradientFloor},
	{"running statistics", []string{"stat.1/", "stat.2/"}, statisticsFloor},
	{"trajectory", []string{"trajectory"}, lossFloor},
}

// judgeStructure compares what has to be equal: the count of parameters and
// every shape that the framework tells.
func judgeStructure(p *plan.Plan, loaded protocol.LoadResult, verified protocol.VerifyResult) ([]record.Check, error) {
	counts, err := p.Network.Counts()
	if err != nil {
		return nil, err
	}
	text := fmt.Sprintf("%d parameters, the plan has %d", loaded.Parameters, counts.Parameters)
	checks := []record.Check{exactly(Network, "parameters", text, loaded.Parameters == counts.Parameters)}
	for _, n := range p.Network.Nodes {
		shape, told := verified.Shapes[n.Name]
		if told && !slices.Equal(shape, n.Shape) {
			text := fmt.Sprintf("%s has shape %v, the plan says %v", n.Name, shape, n.Shape)
			return append(checks, exactly(Network, "shapes", text, false)), nil
		}
	}
	return append(checks, exactly(Network, "shapes", fmt.Sprintf("%d nodes", len(verified.Shapes)), true)), nil
}

// judgeNetwork compares a network's tensors, each within a tolerance that the
// reference's own rounding noise calibrates.
func judgeNetwork(p *plan.Plan, candidate, reference *tensors.File, noisy []*tensors.File, estimator string) ([]record.Check, error) {
	stats := newStatistics(p, candidate, estimator)
	var checks []record.Check
	for _, q := range quantities {
		names := q.names(reference)
		if len(names) == 0 {
			continue
		}
		check, err := q.judge(names, candidate, reference, noisy, stats)
		if err != nil {
			return nil, err
		}
		checks = append(checks, check.check)
		if q.name == "gradients" {
			checks = append(checks, check.typical())
		}
	}
	return checks, nil
}

func (q quantity) names(f *tensors.File) []string {
	var names []string
	for _, name := range f.Names() {
		for _, prefix := range q.prefixes {
			if strings.HasPrefix(name, prefix) {
				names = append(names, name)
			}
		}
	}
	return names
}

func (q quantity) judge(names []string, candidate, reference *tensors.File, noisy []*tensors.File, stats *statistics) (worst, error) {
	w := worst{check: record.Check{Layer: Network, Name: q.name}}
	norms, err := groupNorms(reference, names)
	if err != nil {
		return w, err
	}
	for _, name := range names {
		a, b, err := pair(candidate, reference, name)
		if errors.Is(err, errNotComparable) {
			w.refuse(name, err, q.floor)
			continue
		}
		if err == nil {
			a, err = stats.unbiased(name, a)
		}
		if err != nil {
			return w, err
		}
		apart, norm, err := distance(a, b)
		if err != nil {
			w.refuse(name, err, q.floor)
			continue
		}
		scale := max(norm, vanishing*norms[group(name)], 1e-30)
		spread, err := spreadOf(name, b, noisy)
		if err != nil {
			return w, err
		}
		spread /= scale
		w.add(name, apart/scale, max(q.floor, spreadFactor*spread), spread)
	}
	return w, nil
}

// spreadOf is the largest distance of a noisy repetition from the reference.
func spreadOf(name string, reference []float64, noisy []*tensors.File) (float64, error) {
	most := 0.0
	for _, f := range noisy {
		values, err := f.Float64s(name)
		if err != nil {
			return 0, err
		}
		apart, _, err := distance(values, reference)
		if err != nil {
			return 0, fmt.Errorf("noise run of the reference, tensor %q: %w", name, err)
		}
		most = max(most, apart)
	}
	return most, nil
}
