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
	if len(r.Blocks) != len(p.Order) {
		return r, s.breakWith(ProtocolViolation, protocol.Alternate, fmt.Sprintf("%d blocks for the order %q", len(r.Blocks), p.Order), nil)
	}
	before := int64(0)
	for i, b := range r.Blocks {
		if b.StartNS < before || b.EndNS <= b.StartNS {
			return r, s.breakWith(ProtocolViolation, protocol.Alternate, fmt.Sprintf("block %d is from %d to %d ns, the one before ends at %d ns", i, b.StartNS, b.EndNS, before), nil)
		}
		before = b.EndNS
		if b.CPUNS < 0 {
			return r, s.breakWith(ProtocolViolation, protocol.Alternate, fmt.Sprintf("block %d took %d ns of CPU time", i, b.CPUNS), nil)
		}
		for _, count := range []*int64{b.Instructions, b.Cycles} {
			if count != nil && *count <= 0 {
				return r, s.breakWith(ProtocolViolation, protocol.Alternate, fmt.Sprintf("block %d counted %d instructions or cycles", i, *count), nil)
			}
		}
	}
	return r, nil
}
