package images

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

func TestWhatSeveralAskForIsDoneOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o once
		broken := errors.New("no network")
		for name, want := range map[string]error{"good": nil, "bad": broken} {
			release, calls := make(chan struct{}), 0
			var group sync.WaitGroup
			var waited atomic.Int64
			for range 5 {
				group.Go(func() {
					err := o.do(t.Context(), name, func() error {
						calls++
						<-release
						return want
					}, func() { waited.Add(1) })
					if !errors.Is(err, want) {
						t.Errorf("%s: %v", name, err)
					}
				})
			}
			synctest.Wait()
			close(release)
			group.Wait()
			if calls != 1 || waited.Load() != 4 {
				t.Errorf("%s was done %d times, and %d waited", name, calls, waited.Load())
			}
		}
		if err := o.do(t.Context(), "bad", func() error { t.Error("what failed is tried again"); return nil }, func() {}); !errors.Is(err, broken) {
			t.Errorf("afterwards: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := o.do(ctx, "ended", func() error { return ctx.Err() }, func() {}); !errors.Is(err, context.Canceled) {
			t.Errorf("ended: %v", err)
		}
		if err := o.do(t.Context(), "ended", func() error { return nil }, func() {}); err != nil {
			t.Errorf("an end that was asked for is remembered as a failure: %v", err)
		}
	})
}

func TestSlotsGoToTheLowestRank(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s slots
		var got []int
		take := func(ctx context.Context, rank int) {
			if err := s.take(ctx, 2, rank); err == nil {
				got = append(got, rank)
			}
		}
		take(t.Context(), 8)
		take(t.Context(), 9)
		ctx, cancel := context.WithCancel(t.Context())
		go take(ctx, 0)
		synctest.Wait()
		for _, rank := range []int{5, 1, 3, 1} {
			go take(t.Context(), rank)
			synctest.Wait()
		}
		if len(got) != 2 {
			t.Fatalf("with two slots %v work at once", got)
		}
		cancel() // who gives up leaves the others their turns
		synctest.Wait()
		for range 4 {
			s.give()
			synctest.Wait()
		}
		if want := []int{8, 9, 1, 1, 3, 5}; !slices.Equal(got, want) {
			t.Errorf("the turns were %v, want %v", got, want)
		}
		s.give()
		s.give()
		if s.taken != 0 || len(s.waiting) != 0 {
			t.Errorf("at the end %d are taken and %d wait", s.taken, len(s.waiting))
		}
	})
}

// A runner keeps its slot from layer to layer, and lets others have it while it
// waits for one of theirs.
func TestARunnerKeepsItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s slots
		first := &turn{slots: &s, most: 1, rank: 0}
		if err := first.take(t.Context()); err != nil {
			t.Fatal(err)
		}
		second := &turn{slots: &s, most: 1, rank: 1}
		got := false
		go func() { got = second.take(t.Context()) == nil }()
		synctest.Wait()
		if err := first.take(t.Context()); err != nil || got {
			t.Errorf("the next layer of the first: %v; the second has its turn: %t", err, got)
		}
		first.give()
		first.give() // it has none any more
		synctest.Wait()
		if !got || s.taken != 1 {
			t.Errorf("the second has its turn: %t, %d are taken", got, s.taken)
		}
	})
}
