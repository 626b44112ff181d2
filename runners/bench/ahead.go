package bench

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/dlbench/dlbench/runners/parity"
	"github.com/dlbench/dlbench/workloads/plan"
)

// ahead verifies runners while the images of others are still built: verifying
// times nothing, and a builder often waits for the network or the disk. One at a
// time, so that it takes little from the builders. Nothing is measured before
// building has ended.
type ahead struct {
	bench *Bench
	ctx   context.Context // of all verifying; nil before begin
	queue chan Entry      // runners that are ready
	over  atomic.Bool
	work  sync.WaitGroup

	mu       sync.Mutex
	verdicts map[question]*parity.Verdict
}

// question is one cell that is to be judged.
type question struct{ runner, workload string }

// newAhead is for so many runners at most.
func newAhead(b *Bench, runners int) *ahead {
	return &ahead{bench: b, queue: make(chan Entry, runners), verdicts: map[question]*parity.Verdict{}}
}

// ready is told of a runner that can be started. A nil ahead is told in vain.
func (a *ahead) ready(e Entry) {
	if a != nil && e.Unusable == "" {
		a.queue <- e
	}
}

// begin is called when the one who judges is ready.
func (a *ahead) begin(ctx context.Context) {
	if a == nil {
		return
	}
	a.ctx = ctx
	a.work.Go(func() {
		for e := range a.queue {
			for _, id := range a.bench.workloads {
				if a.over.Load() || ctx.Err() != nil || !a.verify(ctx, e, id) {
					break
				}
			}
		}
	})
}

// verify says false if there is no verdict. A fault of the judge is met again,
// and told, when the cells are verified.
func (a *ahead) verify(ctx context.Context, e Entry, id plan.ID) bool {
	a.bench.progress.Step("verify "+id.String()+" on "+e.Name()+" while images are built", -1, 0)
	_, err := a.bench.verify(ctx, e, id)
	return err == nil
}

// again goes on after an end, with what is known by then.
func (a *ahead) again() *ahead {
	if a == nil {
		return nil
	}
	next := newAhead(a.bench, cap(a.queue))
	next.verdicts = a.verdicts
	if a.ctx != nil {
		next.begin(a.ctx)
	}
	return next
}

// keep remembers a verdict.
func (a *ahead) keep(e Entry, id plan.ID, verdict *parity.Verdict) {
	if a == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.verdicts[question{e.Name(), id.String()}] = verdict
}

// end waits for what is being verified, and begins nothing more.
func (a *ahead) end() {
	if a == nil {
		return
	}
	a.over.Store(true)
	close(a.queue)
	a.work.Wait()
}

// verdict is one that was reached ahead; nil if there is none.
func (a *ahead) verdict(e Entry, id plan.ID) *parity.Verdict {
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.verdicts[question{e.Name(), id.String()}]
}
