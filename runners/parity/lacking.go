package parity

import (
	"fmt"
	"slices"

	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/plan"
)

// lacking is the first node of a plan whose operator, or the form of it, the runner
// says that it lacks, or the loss, or why it does not train in the plan's
// precision; empty if it has all, or says nothing. One that
// does not train says that itself, whatever the loss.
func lacking(can protocol.Capabilities, p *plan.Plan) string {
	if reason := can.NoTraining[p.Precision]; reason != "" && p.Mode == plan.Train {
		return fmt.Sprintf("training in %s: %s", p.Precision, reason)
	}
	if len(can.Operators) == 0 {
		return ""
	}
	for _, need := range within(p, can).Needs() {
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
