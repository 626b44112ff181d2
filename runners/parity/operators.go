package parity

import (
	"errors"
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
	Exact     = "exact"
	Measured  = "measured"
)

// judgeOperator compares everything that the reference wrote for a case:
// outputs, loss, gradients of parameters and of the input, running statistics.
func judgeOperator(name string, p *plan.Plan, candidate, reference *tensors.File, estimator string) (record.Check, error) {
	w := worst{check: record.Check{Layer: Operators, Name: name}}
	var names []string
	for _, tensor := range reference.Names() {
		if !strings.HasPrefix(tensor, "param.") { // the update has a layer of its own
			names = append(names, tensor)
		}
	}
	norms, err := groupNorms(reference, names)
	if err != nil {
		return w.check, err
	}
	stats := newStatistics(p, candidate, estimator)
	for _, tensor := range names {
		a, b, err := pair(candidate, reference, tensor)
		if errors.Is(err, errNotComparable) {
			w.refuse(tensor, err, operatorTolerance)
			continue
		}
		if err == nil {
			a, err = stats.unbiased(tensor, a)
		}
		if err != nil {
			return w.check, err
		}
		apart, norm, err := distance(a, b)
		if err != nil {
			w.refuse(tensor, err, operatorTolerance)
			continue
		}
		w.add(tensor, apart/max(norm, operatorFloor*norms[group(tensor)], 1e-30), operatorTolerance, 0)
	}
	return w.check, nil
}
