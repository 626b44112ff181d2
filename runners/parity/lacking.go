package parity

import (
	"slices"

	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/plan"
)

// lacking is the first node of a plan whose operator, or the form of it, the runner
// says that it lacks, or the loss; empty if it has all, or says nothing.
func lacking(can protocol.Capabilities, p *plan.Plan) string {
	if len(can.Operators) == 0 {
		return ""
	}
	needs := p.Needs()
	if len(can.Modes) > 0 && !slices.Contains(can.Modes, string(plan.Train)) {
		needs = p.Network.Needs() // it says itself that it does not train
	}
	for _, need := range needs {
		if !slices.Contains(can.Operators, need.Operator) {
			return need.String()
		}
	}
	return ""
}

// cannot is a runner's refusal that it did not have to be asked for.
func cannot(reason string) error {
	return &runnerFault{&protocol.Error{Code: protocol.Unsupported, Message: reason}}
}
