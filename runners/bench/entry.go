package bench

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

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
func (b *Bench) makeStartable(ctx context.Context, reference manifest.Manifest, runners []manifest.Manifest) (err error) {
	b.progress.Step("prepare runner "+reference.Name, 0, 0)
	if b.reference, err = b.prepare(ctx, reference); err != nil {
		return err // without the judge nothing can be said
	}
	for i, m := range runners {
		on := b.devices[i%len(b.devices)] // as onDevices lays them out
		if m.Reference && !on.GPU() {
			b.entries = append(b.entries, b.reference)
			continue
		}
		b.progress.Step("prepare runner "+m.Name, float64(i+1)/float64(1+len(runners)), 0)
		e := Entry{Manifest: m, Unusable: UnfitFor(m, on, b.local())}
		if e.Unusable != "" {
			b.progress.Say("runner %s is unsupported on %s: %s", m.Name, on.Name, e.Unusable)
		} else if e, err = b.prepare(ctx, m); ctx.Err() != nil {
			return ctx.Err()
		} else if err != nil {
			b.unbuilt = append(b.unbuilt, err)
			e = Entry{Manifest: m, Unusable: firstLine(err.Error())}
			b.progress.Say("runner %s cannot be used: %v", m.Name, err)
		}
		e.Device = on
		b.entries = append(b.entries, e)
	}
	if len(b.unbuilt) == len(runners) {
		return errors.Join(b.unbuilt...)
	}
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
	return Entry{Manifest: m, Image: image, ImageID: id, Key: id, Device: device.CPU}, err
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
	for name, value := range m.EnvironmentFor(b.terms.Threads) {
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
	return b.host.Store(command, b.cache, b.launcher.Logs, b.progress)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
