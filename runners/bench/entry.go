package bench

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/images"
	"github.com/dlbench/dlbench/runners/manifest"
)

// Entry is a runner on a device, with what the engine needs to start it.
type Entry struct {
	Manifest manifest.Manifest // its name is that of the record's runner
	Device   device.Device
	Image    string
	ImageID  string
	Key      string // identity for the cache of verdicts
	Threads  int    // to use, if not those of the terms
	Cache    string // directory for what it compiles, which its next process finds; empty is one for each process
	Unusable string // why it cannot be started here; empty if it can
}

// Name is what the record calls the runner.
func (e Entry) Name() string { return e.Manifest.Name }

// entry is the entry of that name.
func (b *Bench) entry(name string) *Entry {
	for i := range b.entries {
		if b.entries[i].Name() == name {
			return &b.entries[i]
		}
	}
	return nil
}

// makeStartable builds images, or looks which frameworks import. A runner whose
// build cannot use the GPU is unsupported, and not touched.
func (b *Bench) makeStartable(ctx context.Context, reference manifest.Manifest, runners []manifest.Manifest) error {
	b.entries = make([]Entry, len(runners))
	wanted, places := []manifest.Manifest{reference}, []int{-1}
	for i, m := range runners {
		on := b.devices[i%len(b.devices)] // as onDevices lays them out
		b.entries[i] = Entry{Manifest: m, Device: on}
		if m.Reference && !on.GPU() {
			continue // the one that judges
		}
		if b.entries[i].Unusable = UnfitFor(m, on, b.local()); b.entries[i].Unusable != "" {
			b.progress.Say("runner %s is unsupported on %s: %s", m.Name, on.Name, b.entries[i].Unusable)
			continue
		}
		wanted, places = append(wanted, m), append(places, i)
	}
	preparing, giveUp := context.WithCancelCause(ctx)
	defer giveUp(nil)
	err := b.prepareAll(preparing, wanted, func(n int, e Entry, err error) {
		if i := places[n]; i >= 0 {
			b.entries[i] = b.prepared(preparing, b.entries[i], e, err)
			b.ahead.ready(b.entries[i])
			return
		}
		if b.reference = e; err == nil && b.ahead != nil {
			err = b.newJudge(b.host.Machine(preparing).CPU, false)
		}
		if err != nil {
			giveUp(err) // without the judge nothing can be said
			return
		}
		b.ahead.begin(ctx)
	})
	if preparing.Err() != nil {
		return context.Cause(preparing)
	}
	if err != nil {
		return err
	}
	for i := range b.entries {
		if e := &b.entries[i]; e.Manifest.Reference && !e.Device.GPU() {
			*e = b.reference
		}
	}
	if len(b.unbuilt) == len(runners) {
		return errors.Join(b.unbuilt...)
	}
	return nil
}

// prepared is a runner's entry once it was prepared, or why it cannot be used.
func (b *Bench) prepared(ctx context.Context, known, e Entry, err error) Entry {
	switch {
	case ctx.Err() != nil:
		return known
	case err != nil:
		b.unbuilt = append(b.unbuilt, err)
		b.progress.Say("runner %s cannot be used: %v", known.Name(), err)
		e = Entry{Manifest: known.Manifest, Unusable: firstLine(err.Error())}
	}
	e.Device = known.Device
	return e
}

// prepareAll prepares runners and tells of each when it is done, one at a time.
func (b *Bench) prepareAll(ctx context.Context, wanted []manifest.Manifest, done func(n int, e Entry, err error)) error {
	if command, containers := b.engine.(*engine.CLI); containers {
		b.progress.Step(fmt.Sprintf("prepare %d runners", len(wanted)), 0, 0)
		store := b.store(command)
		if missing, err := store.Missing(ctx, wanted); err == nil && missing.Layers == 0 {
			b.ahead = nil // there is nothing to wait for
		} else if err == nil {
			if err := b.announce(ctx, store, missing, wanted); err != nil {
				return err
			}
		}
		return b.buildAll(ctx, store, wanted, done)
	}
	for n, m := range wanted {
		b.progress.Step("prepare runner "+m.Name, float64(n)/float64(len(wanted)), 0)
		e, err := b.prepareLocal(ctx, m)
		done(n, e, err)
	}
	return ctx.Err()
}

// buildAll builds what is missing; if that is much, first what a preview needs.
func (b *Bench) buildAll(ctx context.Context, store *images.Store, wanted []manifest.Manifest, done func(n int, e Entry, err error)) error {
	first, rest, err := b.previewFirst(ctx, store, wanted)
	if err != nil {
		return err
	}
	ensure := func(places []int) error {
		return store.EnsureAll(ctx, chosen(wanted, places), func(n int, built images.Built) {
			done(places[n], imageEntry(wanted[places[n]], built.Reference, built.ID), built.Err)
		})
	}
	if len(first) > 0 {
		store.Expect(ctx, wanted)
		if err := ensure(first); err != nil {
			return err
		}
		b.ahead.end()
		b.previewing(ctx, b)
		b.ahead = b.ahead.again()
	}
	return ensure(rest)
}

// announce says what is going to be downloaded and built, and refuses what the
// disks have no room for.
func (b *Bench) announce(ctx context.Context, store *images.Store, missing images.Needed, wanted []manifest.Manifest) error {
	if places, err := store.Room(ctx, wanted); err == nil {
		if err := images.Enough(places); err != nil {
			return err
		}
	}
	b.progress.Say("images: %d layers to build, about %s to download, %s on disk afterwards; builders' output is in %s",
		missing.Layers, humanize.Bytes(uint64(missing.Download)), humanize.Bytes(uint64(missing.Disk)), store.Logs)
	return nil
}

// local says that runners are not started from images.
func (b *Bench) local() bool {
	_, containers := b.engine.(*engine.CLI)
	return !containers
}

func (b *Bench) prepare(ctx context.Context, m manifest.Manifest) (Entry, error) {
	command, _ := b.engine.(*engine.CLI)
	if b.local() {
		return b.prepareLocal(ctx, m)
	}
	image, id, err := b.store(command).Ensure(ctx, m)
	return imageEntry(m, image, id), err
}

func imageEntry(m manifest.Manifest, image, id string) Entry {
	return Entry{Manifest: m, Image: image, ImageID: id, Key: id, Device: device.CPU}
}

// prepareLocal asks the interpreter whether the framework imports.
func (b *Bench) prepareLocal(ctx context.Context, m manifest.Manifest) (Entry, error) {
	if m.Local == nil {
		return Entry{}, &engine.EnvironmentError{Text: fmt.Sprintf("runner %q has no way to run as a local process", m.Name)}
	}
	e := Entry{Manifest: m, Device: device.CPU, Key: strings.Join(append([]string{"local", b.launcher.Adapters}, m.At(b.launcher.Adapters, m.Local.Command)...), " ")}
	for _, module := range m.Local.Requires {
		found, err := b.imports(ctx, m, module)
		if err != nil {
			return Entry{}, err
		}
		e.Key += " " + found
	}
	return e, nil
}

// imports tells which version of a module imports, and from where.
func (b *Bench) imports(ctx context.Context, m manifest.Manifest, module string) (string, error) {
	python := b.launcher.Python
	script := fmt.Sprintf("import %s; print(%s.__version__, %s.__file__)", module, module, module)
	command := exec.CommandContext(ctx, python, "-c", script)
	command.Env = b.host.Environ()
	for name, value := range m.EnvironmentFor(b.terms.Threads, b.launcher.Work) {
		command.Env = append(command.Env, name+"="+value)
	}
	out, err := command.Output()
	if err != nil {
		return "", &engine.EnvironmentError{
			Text: fmt.Sprintf("runner %q: the module %s does not import in %s", m.Name, module, python),
			Hint: fmt.Sprintf("%s -m pip install %s, or name another interpreter in DLBENCH_PYTHON", python, module)}
	}
	return lastLine(string(out)), nil
}

// store is the images of a container engine.
func (b *Bench) store(command *engine.CLI) *images.Store {
	store := b.host.Store(command, b.cache, b.launcher.Logs, b.progress)
	store.Jobs, store.Timeline = b.jobs, b.timeline
	return store
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
