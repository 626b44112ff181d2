package images

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/dlbench/dlbench/runners/manifest"
)

// Built is what became of a runner's image.
type Built struct {
	Reference, ID string
	Took          time.Duration // since the first one was begun
	Err           error
}

// EnsureAll is Ensure for several runners at once, as many layers at a time as
// there are Jobs. One that fails does not stop the others. Ready is told of each
// as it is done, one at a time.
func (s *Store) EnsureAll(ctx context.Context, ms []manifest.Manifest, ready func(i int, b Built)) error {
	order, err := Order(ms)
	if err != nil {
		return err
	}
	missing, _ := s.missing(ctx, ms) // without it only the share that is done is not known
	if len(missing) > 0 {
		if refusal := s.CLI.Try(ctx); refusal != nil {
			return refusal // before anything is built in vain
		}
	}
	if !s.tally.expecting() {
		s.tally.begin(missing)
	}
	began := time.Now()
	var telling sync.Mutex
	var group sync.WaitGroup
	for rank, i := range order {
		group.Go(func() {
			var b Built
			b.Reference, b.ID, b.Err = s.ensure(ctx, ms[i], rank)
			b.Took = time.Since(began)
			telling.Lock()
			defer telling.Unlock()
			ready(i, b)
		})
	}
	group.Wait()
	return ctx.Err()
}

// Expect says what all calls of EnsureAll that follow have to do: the share that is
// done is one of all that.
func (s *Store) Expect(ctx context.Context, ms []manifest.Manifest) {
	missing, _ := s.missing(ctx, ms) // without it only the share that is done is not known
	s.tally.begin(missing)
}

// tally knows how much of what is to be built is done.
type tally struct {
	mu      sync.Mutex
	began   time.Time
	seconds map[string]float64 // of the layers that are missing
	total   float64
	done    float64
}

// begin counts from nothing.
func (t *tally) begin(missing []step) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.began, t.seconds, t.total, t.done = time.Now(), map[string]float64{}, 0, 0
	for _, m := range missing {
		t.seconds[m.tag] = m.Seconds
		t.total += m.Seconds
	}
}

// expecting says that something is still to be made.
func (t *tally) expecting() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.seconds) > 0
}

// end counts a layer that nobody waits for any more, whatever became of it.
func (t *tally) end(tag string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done += t.seconds[tag]
	delete(t.seconds, tag)
}

// progress is the share that is done, negative if it is not known, and the time
// that the rest takes at the pace so far, 0 if that is not known.
func (t *tally) progress() (share float64, left time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.total == 0 {
		return -1, 0
	}
	share = t.done / t.total
	if t.done > 0 {
		left = time.Duration(float64(time.Since(t.began)) * (1 - share) / share)
	}
	return share, left
}

// Needed is what building takes of what is missing, as docker/costs.json has it.
type Needed struct {
	Layers   int
	Time     time.Duration // one layer after another, with two cores
	Download int64         // bytes
	Disk     int64         // bytes, when all is done
}

// Missing is what EnsureAll would build.
func (s *Store) Missing(ctx context.Context, ms []manifest.Manifest) (n Needed, err error) {
	steps, err := s.missing(ctx, ms)
	for _, each := range steps {
		n.Layers++
		n.Time += time.Duration(each.Seconds * float64(time.Second))
		n.Download += each.DownloadMB * 1e6
		n.Disk += each.DiskMB * 1e6
	}
	return n, err
}

// missing are the layers that would be built for runners, each once.
func (s *Store) missing(ctx context.Context, ms []manifest.Manifest) ([]step, error) {
	there, err := s.there(ctx)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for _, name := range there {
		seen[short(name)] = true
	}
	var missing []step
	for _, m := range ms {
		if m.Image.Context == "" {
			continue
		}
		r, err := recipeOf(m)
		if err != nil {
			return nil, err
		}
		steps, err := r.steps()
		if err != nil {
			return nil, err
		}
		for _, each := range r.needed(steps, seen) {
			seen[each.tag] = true
			missing = append(missing, each)
		}
	}
	return missing, nil
}

// needed are the steps that are still to be made when some layers are there:
// whatever lies below one that is there is inside it.
func (r recipe) needed(steps []step, there map[string]bool) []step {
	if there[r.adapter.tag] {
		return nil
	}
	inside := there[r.packages[len(r.packages)-1].tag]
	return slices.DeleteFunc(slices.Clone(steps), func(s step) bool {
		top := s.tag == r.adapter.tag || r.build != nil && s.tag == r.build.tag
		return there[s.tag] || inside && !top
	})
}

func (s *Store) step(text string) {
	if s.Progress != nil {
		share, left := s.tally.progress()
		s.Progress.Step(text, share, left)
	}
}

func (s *Store) detail(line string) {
	if s.Progress != nil {
		s.Progress.Detail(line)
	}
}
