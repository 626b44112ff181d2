package parity

import (
	"fmt"
	"slices"

	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/network"
)

// lacking is the first node of a network whose operator, or the form of it, the
// runner says that it lacks; empty if it has all, or says nothing.
func lacking(can protocol.Capabilities, n *network.Network) string {
	if len(can.Operators) == 0 {
		return ""
	}
	for _, need := range n.Needs() {
		if !slices.Contains(can.Operators, need.Operator) {
			return fmt.Sprintf("node %q: operator %s", need.Node, need.Operator)
		}
	}
	return ""
}

// cannot is a runner's refusal that it did not have to be asked for.
func cannot(reason string) error {
	return &runnerFault{&protocol.Error{Code: protocol.Unsupported, Message: reason}}
}
