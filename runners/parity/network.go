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
// reference's own noise calibrates.
func judgeNetwork(p *plan.Plan, candidate *tensors.File, ref *answers, estimator string) ([]record.Check, error) {
	stats := newStatistics(p, candidate, estimator)
	var checks []record.Check
	n := numbersOf(p.Precision)
	for _, q := range quantities(n.smooth, n.rough) {
		names := q.names(ref.file)
		if len(names) == 0 {
			continue
		}
		w, err := q.judge(names, candidate, ref, stats)
		if err != nil {
			return nil, err
		}
		checks = append(checks, w.check)
		if q.name == outputs {
			checks = append(checks, judgeRounding(p.Precision, w.values)...)
		}
		if q.name == gradients {
			checks = append(checks, w.typical(q))
		}
	}
	return checks, nil
}

func (q quantity) names(f *tensors.File) []string {
	var names []string
	for _, name := range f.Names() {
		if slices.ContainsFunc(q.prefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			names = append(names, name)
		}
	}
	return names
}

func (q quantity) judge(names []string, candidate *tensors.File, ref *answers, stats *statistics) (*worst, error) {
	w := newWorst(Network, q.name)
	norms, err := groupNorms(ref.file, names)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		a, b, err := pair(candidate, ref.file, name)
		if err == nil {
			a, err = stats.unbiased(name, a)
		}
		if err != nil && !errors.Is(err, errNotComparable) {
			return nil, err
		}
		var apart, norm float64
		if err == nil {
			apart, norm, err = distance(a, b)
		}
		if err != nil {
			w.refuse(name, err, q.floor)
			continue
		}
		scale := max(norm, vanishing*norms[group(name)], smallest)
		spread := ref.spread[name] / scale
		w.add(name, apart/scale, q.tolerance(spread), spread)
	}
	return w, nil
}
