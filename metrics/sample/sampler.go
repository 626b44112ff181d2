package sample

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// DefaultInterval is the time between two passes over the sources: 5 Hz.
const DefaultInterval = 200 * time.Millisecond

// expected is how many passes there is room for at the start: ten minutes at
// 5 Hz. More are taken, at the price of an allocation.
const expected = 3000

// Config is what a Sampler needs.
type Config struct {
	Sources  []Source
	Interval time.Duration // 0 is DefaultInterval
	CPUs     []int         // where the sampler's thread runs; empty is anywhere. See SpareCPUs
	Clock    func() int64  // nanoseconds; nil is Monotonic
}

// Sampler reads its sources at an interval on a thread of its own, from Start
// to Stop. It serves one recording.
type Sampler struct {
	config  Config
	tracks  [][]track // of each source, one a channel
	due     []int64   // when each source may be read again
	into    [][]Reading
	trouble error // of the sampler itself
	end     chan struct{}
	ended   chan struct{}
	once    sync.Once
}

// track collects the readings of one channel.
type track struct {
	Channel
	timeNS []int64
	values []float64
	peak   *float64
	reason error // of the first reading that there was not
}

// NewSampler makes a sampler with room for its readings.
func NewSampler(config Config) *Sampler {
	if config.Interval <= 0 {
		config.Interval = DefaultInterval
	}
	if config.Clock == nil {
		config.Clock = Monotonic
	}
	s := &Sampler{config: config, due: make([]int64, len(config.Sources)), end: make(chan struct{}), ended: make(chan struct{})}
	for _, source := range config.Sources {
		channels := source.Channels()
		tracks := make([]track, len(channels))
		for i, c := range channels {
			tracks[i] = track{Channel: c, timeNS: make([]int64, 0, expected), values: make([]float64, 0, expected)}
		}
		s.tracks = append(s.tracks, tracks)
		s.into = append(s.into, make([]Reading, len(channels)))
	}
	return s
}

// Start takes the first readings and goes on in the background until Stop, or
// until the context is done.
func (s *Sampler) Start(ctx context.Context) {
	first := make(chan struct{})
	go s.run(ctx, first)
	<-first
}

// Stop takes the last readings, closes the sources that can be closed and
// returns what was seen. It may be called again, after Start.
func (s *Sampler) Stop() Recording {
	s.once.Do(func() { close(s.end) })
	<-s.ended
	return s.recording()
}

func (s *Sampler) run(ctx context.Context, first chan<- struct{}) {
	defer close(s.ended)
	s.pin()
	s.pass(false)
	close(first)
	ticker := time.NewTicker(s.config.Interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			s.pass(false)
		case <-s.end:
			s.pass(true)
			s.trouble = errors.Join(s.trouble, s.close())
			return
		case <-ctx.Done():
			s.trouble = errors.Join(s.trouble, s.close())
			return
		}
	}
}

// pin binds the sampler's thread to its CPUs. The thread ends with the
// goroutine, because it is never unlocked, so the binding cannot leak.
func (s *Sampler) pin() {
	if len(s.config.CPUs) == 0 {
		return
	}
	runtime.LockOSThread()
	var set unix.CPUSet
	for _, cpu := range s.config.CPUs {
		set.Set(cpu)
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		s.trouble = fmt.Errorf("bind the sampler to CPUs %v: %w", s.config.CPUs, err)
	}
}

// pass reads every source that is due once; the last pass reads all of them,
// so that what they count is known to the end.
func (s *Sampler) pass(last bool) {
	for i, source := range s.config.Sources {
		now := s.config.Clock()
		if paced, ok := source.(Paced); ok {
			if now < s.due[i] && !last {
				continue
			}
			// Counted from when it was due: from when it was read, a ticker that is
			// a little early would leave out every second reading.
			pace := paced.Pace().Nanoseconds()
			if s.due[i] == 0 || s.due[i]+pace <= now {
				s.due[i] = now // the first one, or one that came much too late
			}
			s.due[i] += pace
		}
		clear(s.into[i])
		source.Read(s.into[i])
		for j, r := range s.into[i] {
			s.tracks[i][j].add(now, r)
		}
	}
}

func (t *track) add(now int64, r Reading) {
	switch {
	case r.Err != nil:
		if t.reason == nil {
			t.reason = r.Err
		}
	case t.Kind == Peak:
		if v := r.Value * t.Scale; t.peak == nil || v > *t.peak {
			t.peak = &v
		}
	case len(t.timeNS) > 0 && now <= t.timeNS[len(t.timeNS)-1]:
		// Two passes within one tick of the clock: the first one counts.
	default:
		t.timeNS = append(t.timeNS, now)
		t.values = append(t.values, r.Value)
	}
}

func (s *Sampler) close() error {
	var err error
	for _, source := range s.config.Sources {
		if c, ok := source.(io.Closer); ok {
			err = errors.Join(err, c.Close())
		}
	}
	return err
}

// SpareCPUs are the CPUs that this process may run on and the runner may not:
// where a sampler disturbs nothing. Without a spare one, or for a runner that
// may run anywhere (nil), there are none.
func SpareCPUs(runner []int) []int {
	var allowed unix.CPUSet
	if len(runner) == 0 || unix.SchedGetaffinity(0, &allowed) != nil {
		return nil
	}
	for _, cpu := range runner {
		allowed.Clear(cpu)
	}
	var spare []int
	for cpu := 0; len(spare) < allowed.Count(); cpu++ {
		if allowed.IsSet(cpu) {
			spare = append(spare, cpu)
		}
	}
	return spare
}
