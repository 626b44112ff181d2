package images

import (
	"context"
	"slices"
	"sync"
)

// once has each of several tasks done by whoever asks first; who asks meanwhile
// says that it waits, and gets the same answer. What failed is not tried again for the next
// one: three gigabytes are not downloaded twice to fail twice.
type once struct {
	mu    sync.Mutex
	tasks map[string]*task
}

type task struct {
	done chan struct{}
	err  error // read after done
}

func (o *once) do(ctx context.Context, name string, work func() error, waits func()) error {
	o.mu.Lock()
	t, known := o.tasks[name]
	if known {
		o.mu.Unlock()
		waits()
		select {
		case <-t.done:
			return t.err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	t = &task{done: make(chan struct{})}
	if o.tasks == nil {
		o.tasks = map[string]*task{}
	}
	o.tasks[name] = t
	o.mu.Unlock()
	t.err = work()
	if t.err == nil || ctx.Err() != nil { // looking whether it is there is cheap; an end that was asked for says nothing
		o.mu.Lock()
		delete(o.tasks, name)
		o.mu.Unlock()
	}
	close(t.done)
	return t.err
}

// turn is a runner's slot from the first layer that it needs to the last: what was
// begun for a runner goes on before the next runner's is begun, so that some are
// ready early. It gives the slot back when it has to wait for another runner's
// layer.
type turn struct {
	slots *slots
	most  int // slots that there are
	rank  int
	held  bool
}

func (t *turn) take(ctx context.Context) error {
	if t.held {
		return ctx.Err()
	}
	err := t.slots.take(ctx, t.most, t.rank)
	t.held = err == nil
	return err
}

func (t *turn) give() {
	if t.held {
		t.slots.give()
	}
	t.held = false
}

// slots lets so many builders work at once. Of those that wait, the lowest rank
// is next.
type slots struct {
	mu      sync.Mutex
	taken   int
	waiting []*waiter
}

type waiter struct {
	rank int
	turn chan struct{}
}

func (s *slots) take(ctx context.Context, most, rank int) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	s.mu.Lock()
	if s.taken < most {
		s.taken++
		s.mu.Unlock()
		return nil
	}
	w := &waiter{rank, make(chan struct{})}
	at, _ := slices.BinarySearchFunc(s.waiting, rank, func(each *waiter, rank int) int {
		if each.rank <= rank {
			return -1
		}
		return 1
	})
	s.waiting = slices.Insert(s.waiting, at, w)
	s.mu.Unlock()
	select {
	case <-w.turn:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.waiting, w); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
	} else {
		s.next() // its turn came at the same time
	}
	return ctx.Err()
}

func (s *slots) give() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next()
}

// next hands a slot on, or frees it.
func (s *slots) next() {
	if len(s.waiting) == 0 {
		s.taken--
		return
	}
	w := s.waiting[0]
	s.waiting = s.waiting[1:]
	close(w.turn)
}
