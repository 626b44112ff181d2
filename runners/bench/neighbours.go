package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/presence"
)

// Claim makes this process known to every dlbench that shares the cache.
func (h Host) Claim(cache string) (*presence.Presence, error) {
	self, err := presence.Claim(processes(cache), h.Now())
	if err != nil {
		return nil, EnvironmentError(err, cacheHint)
	}
	return self, nil
}

func processes(cache string) string { return filepath.Join(cache, "processes") }

// Neighbours are warnings of every dlbench on this machine that shares the cache.
func Neighbours(cache string) record.Warnings { return warnedOf(presence.Running(processes(cache))) }

func warnedOf(others []presence.Process) record.Warnings {
	var warnings record.Warnings
	for _, other := range others {
		warnings.Add(record.AboutRun, record.OtherDlbench, "another dlbench is at work on this machine: %s", other)
	}
	return warnings
}

// neighbours are those, and those that only the engine knows of: another user's,
// or another cache's.
func (b *Bench) neighbours(ctx context.Context) record.Warnings {
	warnings := warnedOf(b.self.Others())
	command, ok := b.engine.(*engine.CLI)
	if !ok {
		return warnings
	}
	sessions, err := command.Sessions(ctx)
	if err != nil {
		return warnings // an engine that lists nothing will be told of when it starts nothing
	}
	for _, name := range slices.Sorted(maps.Keys(sessions)) {
		if !b.self.Sees(presence.Lock(sessions[name])) {
			warnings.Add(record.AboutRun, record.OtherDlbench, "another dlbench is at work on this machine: %s runs containers of its session %s", command.Name(), name)
		}
	}
	return warnings
}

// watch sees who else is at work while a run measures, also one that comes and
// goes within a process.
type watch struct {
	self *presence.Presence
	mu   sync.Mutex
	seen record.Warnings
	end  func()
}

// watchEvery is far more than a look takes.
const watchEvery = time.Second

func watchOthers(self *presence.Presence) *watch {
	ctx, cancel := context.WithCancel(context.Background())
	w := &watch{self: self}
	var looking sync.WaitGroup
	looking.Go(func() {
		for {
			w.look()
			select {
			case <-ctx.Done():
				return
			case <-time.After(watchEvery):
			}
		}
	})
	w.end = func() { cancel(); looking.Wait() }
	return w
}

// look tells all that were seen, those of this moment included.
func (w *watch) look() record.Warnings {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, one := range warnedOf(w.self.Others()) {
		w.seen.Add(one.Scope, one.Code, "%s", one.Text)
	}
	return slices.Clone(w.seen)
}

// imagesLock is shared by all that use images, and held by who removes them.
func imagesLock(cache string) string { return filepath.Join(cache, "images-in-use.lock") }

// UseImages keeps others from removing images until it is released, and waits
// for one that does.
func UseImages(ctx context.Context, cache string, g Progress) (release func() error, err error) {
	return presence.Use(ctx, imagesLock(cache), func() { g.Say("another dlbench removes images: waiting for it") })
}

// ChangeImages is for removing images: it refuses while others use them.
func ChangeImages(cache string) (release func() error, err error) {
	release, err = presence.Change(imagesLock(cache))
	if !errors.Is(err, presence.ErrTaken) {
		return release, err
	}
	text := "another dlbench uses the images"
	for _, other := range presence.Running(processes(cache)) {
		text += fmt.Sprintf("; %s", other)
	}
	return nil, EnvironmentError(errors.New(text), "wait for it, or stop it")
}
