package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/campaign"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/images"
	"github.com/dlbench/dlbench/runners/launch"
	"github.com/dlbench/dlbench/runners/manifest"
	"github.com/dlbench/dlbench/runners/parity"
	"github.com/dlbench/dlbench/workloads/cases"
	"github.com/dlbench/dlbench/workloads/plan"
)

// bench is what run and verify share: an engine that works, runners that can
// be started on it, and the parity judge.
type bench struct {
	progress  *progress
	cache     string
	selection selection
	terms     record.Terms
	devices   []device.Device  // what each selected runner computes on: the CPU, or GPUs
	shared    []record.Warning // of GPUs that others use, too
	engine    engine.Engine
	reason    string // why this engine
	launcher  *launch.Launcher
	meter     campaign.Meter
	judge     *parity.Verifier
	reference startable // who judges: on the CPU, whatever is measured
	startable map[string]startable
	lacking   []error // images that could not be built
	making    sync.Mutex
}

// startable is a runner with what the engine needs to start it.
type startable struct {
	manifest manifest.Manifest
	device   device.Device
	image    string
	imageID  string
	key      string // identity for the cache of verdicts
	unusable string // why it cannot be started here
}

// newBench finds an engine and makes every selected runner startable on it.
func (p *program) newBench(ctx context.Context, c *cli.Context, logs string) (*bench, error) {
	b := &bench{progress: p.newProgress(), startable: map[string]startable{}}
	var err error
	if b.selection, err = selected(c); err != nil {
		return nil, err
	}
	if b.devices, err = p.devices(c.String("device")); err != nil {
		return nil, err
	}
	if b.terms, err = terms(c, b.devices); err != nil {
		return nil, err
	}
	b.selection.runners = onDevices(b.selection.runners, b.devices)
	if err := p.equip(ctx, b, c.String("engine"), logs); err != nil {
		return nil, err
	}
	if b.shared, err = p.sharing(b.devices, c.Bool("exclusive")); err != nil {
		return nil, err
	}
	if err := p.makeStartable(ctx, b); err != nil {
		return nil, err
	}
	return b, nil
}

// equip finds an engine and what starts runners on it.
func (p *program) equip(ctx context.Context, b *bench, engineName, logs string) (err error) {
	if b.cache, err = p.cacheDir(); err != nil {
		return err
	}
	engines, err := p.engines(b.cache)
	if err != nil {
		return err
	}
	if b.engine, b.reason, err = engines.pick(ctx, engineName); err != nil {
		return err
	}
	b.progress.say("engine: %s", b.reason)
	if set := p.getenv("CUDA_VISIBLE_DEVICES"); set != "" && b.devices[0].GPU() {
		b.progress.say("CUDA_VISIBLE_DEVICES=%s of the environment is not heeded: runners get what --device names, %s", set, b.terms.Device)
	}
	if removed, err := b.engine.Sweep(ctx); err == nil && removed > 0 {
		b.progress.say("removed %d containers that an earlier dlbench left behind", removed)
	}
	if err := handsOver(ctx, b.engine, b.devices); err != nil {
		return err
	}
	b.launcher = &launch.Launcher{
		Engine: b.engine, Session: fmt.Sprintf("%d-%d", os.Getpid(), p.now().UnixNano()),
		Threads: b.terms.Threads, CPUs: b.terms.CPUs, Memory: b.terms.MemoryBytes,
		Inputs: filepath.Join(b.cache, "workloads"), Work: filepath.Join(b.cache, "work"), Logs: logs,
		Python: engine.LocalPython(p.getenv),
	}
	b.meter = p.newMeter(b.terms.CPUs)
	return os.MkdirAll(b.launcher.Inputs, 0o755)
}

// makeStartable builds images, or looks which frameworks import. A runner whose
// build cannot use the GPU is unsupported, and not touched.
func (p *program) makeStartable(ctx context.Context, b *bench) (err error) {
	b.progress.step("prepare runner "+b.selection.reference.Name, 0, 0)
	if b.reference, err = p.prepare(ctx, b, b.selection.reference); err != nil {
		return err // without the judge nothing can be said
	}
	for i, m := range b.selection.runners {
		on := b.devices[i%len(b.devices)] // as onDevices lays them out
		if m.Reference && !on.GPU() {
			b.startable[m.Name] = b.reference
			continue
		}
		b.progress.step("prepare runner "+m.Name, float64(i+1)/float64(1+len(b.selection.runners)), 0)
		_, local := b.engine.(*engine.Local)
		s, unfit := startable{manifest: m}, unfitFor(m, on, local)
		if unfit != "" {
			s.unusable = unfit
			b.progress.say("runner %s is unsupported on %s: %s", m.Name, on.Name, unfit)
		} else if s, err = p.prepare(ctx, b, m); ctx.Err() != nil {
			return ctx.Err()
		} else if err != nil {
			b.lacking = append(b.lacking, err)
			s = startable{manifest: m, unusable: firstLine(err.Error())}
			b.progress.say("runner %s cannot be used: %v", m.Name, err)
		}
		s.device = on
		b.startable[m.Name] = s
	}
	b.progress.end()
	if len(b.lacking) == len(b.selection.runners) {
		return errors.Join(b.lacking...)
	}
	return nil
}

func (p *program) prepare(ctx context.Context, b *bench, m manifest.Manifest) (startable, error) {
	if _, local := b.engine.(*engine.Local); local {
		return p.prepareLocal(ctx, b, m)
	}
	store, err := p.store(b.engine, b.cache, b.progress)
	if err != nil {
		return startable{}, err
	}
	image, id, err := store.Ensure(ctx, m)
	return startable{manifest: m, image: image, imageID: id, key: id}, err
}

// prepareLocal asks the interpreter whether the framework imports.
func (p *program) prepareLocal(ctx context.Context, b *bench, m manifest.Manifest) (startable, error) {
	if m.Local == nil {
		return startable{}, &engine.EnvironmentError{Text: fmt.Sprintf("runner %q has no way to run as a local process", m.Name)}
	}
	if b.launcher.Adapters == "" {
		dir, err := manifest.ExtractPython(b.cache)
		if err != nil {
			return startable{}, err
		}
		b.launcher.Adapters = dir
	}
	s := startable{manifest: m, key: strings.Join(append([]string{"local", b.launcher.Adapters}, m.At(b.launcher.Adapters, m.Local.Command)...), " ")}
	for _, module := range m.Local.Requires {
		script := fmt.Sprintf("import %s; print(%s.__version__, %s.__file__)", module, module, module)
		command := exec.CommandContext(ctx, b.launcher.Python, "-c", script)
		command.Env = p.environ()
		for name, value := range m.EnvironmentFor(b.terms.Threads) {
			command.Env = append(command.Env, name+"="+value)
		}
		out, err := command.Output()
		if err != nil {
			return startable{}, &engine.EnvironmentError{
				Text: fmt.Sprintf("runner %q: the module %s does not import in %s", m.Name, module, b.launcher.Python),
				Hint: fmt.Sprintf("%s -m pip install %s, or name another interpreter in DLBENCH_PYTHON", b.launcher.Python, module)}
		}
		s.key += " " + lastLine(string(out))
	}
	return s, nil
}

// store is the images of a container engine.
func (p *program) store(e engine.Engine, cache string, g *progress) (*images.Store, error) {
	command, ok := e.(*engine.CLI)
	if !ok {
		return nil, usage(fmt.Errorf("engine %s has no images", e.Name()))
	}
	return &images.Store{CLI: command, Dir: filepath.Join(cache, "images"), Getenv: p.getenv,
		Progress: func(step, line string) { g.step(step+": "+line, -1, 0) }}, nil
}

// open starts a fresh process of a runner.
func (b *bench) open(s startable) func(ctx context.Context) (*launch.Runner, error) {
	return func(ctx context.Context) (*launch.Runner, error) {
		return b.launcher.Open(ctx, s.manifest, s.image, s.device)
	}
}

// materialize makes each file once, whoever asks first.
func (b *bench) materialize(ctx context.Context, p *plan.Plan) (plan.Files, error) {
	b.making.Lock()
	defer b.making.Unlock()
	return plan.Materialize(ctx, b.launcher.Inputs, p)
}

// newJudge makes the verifier; verdicts are shared by all campaigns. Operator
// cases that no network needs are run where somebody asks for every case.
func (b *bench) newJudge(processor string, everyCase bool) error {
	var needed []cases.Case // none: the verifier takes all
	if !everyCase {
		var err error
		if needed, err = cases.ForZoo(); err != nil {
			return err
		}
	}
	openReference := b.open(b.reference)
	b.judge = &parity.Verifier{
		Cases:    needed,
		CacheDir: filepath.Join(b.cache, "parity"), Processor: processor,
		ReferenceKey: b.reference.key,
		OpenReference: func(ctx context.Context) (parity.Runner, error) {
			r, err := openReference(ctx)
			if err != nil {
				return nil, err // a nil *Runner must not become a non-nil interface
			}
			return r, nil
		},
		Materialize: b.materialize,
		Progress: func(who, what string) {
			b.progress.step(fmt.Sprintf("verify %s: %s", who, what), -1, 0)
		},
	}
	return nil
}

// verify judges one cell.
func (b *bench) verify(ctx context.Context, runner string, id plan.ID) (*parity.Verdict, error) {
	s := b.startable[runner]
	if s.unusable != "" {
		return &parity.Verdict{Parity: record.Parity{Status: record.ParityUnsupported, Reason: s.unusable, Checks: []record.Check{}}}, nil
	}
	start := b.open(s)
	return b.judge.Verify(ctx, parity.Candidate{Name: runner, Key: s.key, Device: s.device.Identity(), Open: func(ctx context.Context) (parity.Runner, error) {
		r, err := start(ctx)
		if err != nil {
			return nil, err
		}
		return r, nil
	}}, id, b.selection.seed)
}

// close ends what the bench started.
func (b *bench) close(ctx context.Context) error {
	b.progress.end()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	var faults []error
	if b.judge != nil {
		faults = append(faults, b.judge.Close(ctx))
	}
	return errors.Join(append(faults, b.launcher.Close())...)
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}
