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

// judgeOperator compares everything that the reference wrote for a case:
// outputs, loss, gradients of parameters and of the input, running statistics.
// The second check is of the outputs alone, which is all that inference needs.
func judgeOperator(name string, p *plan.Plan, candidate, reference *tensors.File, estimator string) (all, forward record.Check, err error) {
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
	stats := newStatistics(p, candidate, estimator)
	for _, tensor := range names {
		a, b, err := pair(candidate, reference, tensor)
		if err == nil {
			a, err = stats.unbiased(tensor, a)
		}
		least := operatorFloor * norms[group(tensor)]
		if err := everything.compare(tensor, a, b, err, least, operatorTolerance); err != nil {
			return all, forward, err
		}
		if strings.HasPrefix(tensor, "output.") {
			if err := outputs.compare(tensor, a, b, err, least, operatorTolerance); err != nil {
				return all, forward, err
			}
		}
	}
	return everything.check, outputs.check, nil
}
