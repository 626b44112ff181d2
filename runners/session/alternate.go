package session

import (
	"context"
	"fmt"

	"github.com/dlbench/dlbench/runners/protocol"
)

// Bare makes the runner build the framework's own loop in its process.
func (s *Session) Bare(ctx context.Context, p protocol.LoadParams) (protocol.BareResult, error) {
	var r protocol.BareResult
	err := s.call(ctx, protocol.Bare, s.cfg.Deadlines.Load, p, &r)
	return r, err
}

// Alternate runs blocks of the runner and of the bare loop in turn.
func (s *Session) Alternate(ctx context.Context, p protocol.AlternateParams) (protocol.AlternateResult, error) {
	var r protocol.AlternateResult
	if err := s.call(ctx, protocol.Alternate, s.cfg.Deadlines.Block, p, &r); err != nil {
		return r, err
	}
	if fault := outOfTurn(p, r); fault != "" {
		return r, s.breakWith(ProtocolViolation, protocol.Alternate, fault, nil)
	}
	return r, nil
}

// outOfTurn says how blocks do not fit what was asked, or one another, if so.
func outOfTurn(p protocol.AlternateParams, r protocol.AlternateResult) string {
	if len(r.Blocks) != len(p.Order) {
		return fmt.Sprintf("%d blocks for the order %q", len(r.Blocks), p.Order)
	}
	before := int64(0)
	for i, b := range r.Blocks {
		if b.StartNS < before || b.EndNS <= b.StartNS {
			return fmt.Sprintf("block %d is from %d to %d ns, the one before ends at %d ns", i, b.StartNS, b.EndNS, before)
		}
		before = b.EndNS
		if b.CPUNS < 0 {
			return fmt.Sprintf("block %d took %d ns of CPU time", i, b.CPUNS)
		}
		for _, count := range []*int64{b.Instructions, b.Cycles} {
			if count != nil && *count <= 0 {
				return fmt.Sprintf("block %d counted %d instructions or cycles", i, *count)
			}
		}
	}
	return ""
}
