package parity

import (
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/tensors"
)

// The layers of parity.
const (
	Operators = "operators"
	Network   = "network"
	Update    = "update"
	Exact     = "exact" // the workload at its own size
	Measured  = "measured"
)

// ofCase is the tolerance of one tensor. In fewer bits inputs of a pool tie, and
// rectifiers flip, where they do not in float64, so that there the reference's
// spread under noise counts too, as in networks.
func (n numbers) ofCase(ref *answers, tensor string, least float64) (float64, error) {
	spread := ref.spread[tensor]
	if spread == 0 {
		return n.operator, nil
	}
	values, err := ref.file.Float64s(tensor)
	if err != nil {
		return 0, err
	}
	return max(n.operator, min(n.rough.factor*spread/max(norm(values), least, smallest), n.rough.ceiling)), nil
}

// judgeOperator compares everything that the reference wrote for a case:
// outputs, loss, gradients of parameters and of the input, running statistics.
// The second check is of the outputs only, which is all that inference needs.
func judgeOperator(name string, p *plan.Plan, candidate *tensors.File, ref *answers, estimator string) (all, forward record.Check, err error) {
	reference := ref.file
	everything, outputs := newWorst(Operators, name), newWorst(Operators, name)
	var names []string
	for _, tensor := range reference.Names() {
		if !strings.HasPrefix(tensor, "param.") { // the update has a layer of its own
			names = append(names, tensor)
		}
	}
	norms, err := groupNorms(reference, names)
	if err != nil {
		return all, forward, err
	}
	n := numbersOf(p.Precision)
	stats := newStatistics(p, candidate, estimator)
	for _, tensor := range names {
		least := operatorFloor * norms[group(tensor)]
		tolerance, err := n.ofCase(ref, tensor, least)
		if err != nil {
			return all, forward, err
		}
		a, b, err := pair(candidate, reference, tensor)
		if err == nil {
			a, err = stats.unbiased(tensor, a)
		}
		if err := everything.compare(tensor, a, b, err, least, tolerance); err != nil {
			return all, forward, err
		}
		if strings.HasPrefix(tensor, "output.") {
			if err := outputs.compare(tensor, a, b, err, least, tolerance); err != nil {
				return all, forward, err
			}
		}
	}
	return everything.check, outputs.check, nil
}
