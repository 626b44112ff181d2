// Package bench runs benchmarks: from Options to a record, for any Go program.
// It finds an engine, makes runners ready on it, has them judged, measures them
// and saves after every round. The other packages that start runners (fidelity,
// selftest, conformance) build on its Bench.
package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample"
	"github.com/dlbench/dlbench/metrics/timeline"
	"github.com/dlbench/dlbench/runners/campaign"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/launch"
	"github.com/dlbench/dlbench/runners/manifest"
	"github.com/dlbench/dlbench/runners/parity"
	"github.com/dlbench/dlbench/runners/presence"
	"github.com/dlbench/dlbench/workloads/catalog"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/suite"
)

// Bench is an engine that works, and runners that can be started on it.
type Bench struct {
	host      Host
	progress  Progress
	cache     string
	suite     string
	workloads []plan.ID
	catalog   *catalog.Catalog
	seed      uint64
	terms     record.Terms
	devices   []device.Device // what each selected runner computes on: the CPU, or GPUs
	shared    record.Warnings // of GPUs that others use, too
	engine    engine.Engine
	launcher  *launch.Launcher
	meter     campaign.Meter
	judge     *parity.Verifier
	reference Entry // who judges: on the CPU, whatever is measured
	entries   []Entry
	ahead     *ahead  // what was verified while images were built; nil is nothing
	unbuilt   []error // images that could not be built

	previewing func(ctx context.Context, b *Bench) // called when the first runners are ready; nil is none

	jobs     int // images that are built at once
	timeline *timeline.Log
	self     *presence.Presence
	release  []func() error // of locks
	making   sync.Mutex
}

// Open finds an engine and makes every selected runner startable on it. Close
// ends what it started.
func Open(ctx context.Context, s Setup) (*Bench, error) {
	selected, err := s.Select()
	if err != nil {
		return nil, err
	}
	return open(ctx, s, selected, hooks{})
}

// open is Open of what the setup selects, with what a run does while images are
// built.
func open(ctx context.Context, s Setup, selected Selection, h hooks) (*Bench, error) {
	runners, reference, err := s.runnersFor(selected.Suite)
	if err != nil {
		return nil, err
	}
	if most, all := threadsOf(selected.Workloads); all {
		s.Threads = most // the terms are those of some cells at least
	}
	b, err := Equip(ctx, s)
	if err != nil {
		return nil, err
	}
	b.suite, b.workloads, b.catalog = selected.Suite.Name, selected.Workloads, selected.Catalog
	if b.shared, err = s.Host.sharing(b.devices, s.Exclusive); err == nil {
		err = b.room()
	}
	if err == nil {
		if h.verify && !b.local() {
			b.ahead, b.previewing = newAhead(b, 1+len(runners)*len(b.devices)), h.preview
		}
		err = b.makeStartable(ctx, reference, onDevices(runners, b.devices))
		b.ahead.end()
	}
	if err != nil {
		return nil, errors.Join(err, b.Close(ctx))
	}
	return b, nil
}

// runnersFor are those that are measured, which a suite may name, and the one that
// judges.
func (s Setup) runnersFor(of suite.Suite) (chosen []manifest.Manifest, reference manifest.Manifest, err error) {
	known, err := s.knownRunners()
	if err != nil {
		return nil, reference, err
	}
	wanted := s.Runners
	if len(wanted) == 0 {
		wanted = of.Runners
	}
	return SelectRunners(known, wanted)
}

// Needed are the runners of a suite whose images a machine needs to measure this,
// the one that judges among them.
func (s Setup) Needed(of suite.Suite) ([]manifest.Manifest, error) {
	chosen, reference, err := s.runnersFor(of)
	if err != nil {
		return nil, err
	}
	wanted, err := device.Parse(s.Device)
	if err != nil {
		return nil, UsageError(fmt.Errorf("--device: %w", err))
	}
	needed := []manifest.Manifest{reference}
	for _, m := range chosen {
		if !wanted.CPU() {
			if !slices.Contains(m.Devices, "gpu") {
				continue // it is told as unsupported, without an image
			}
			m = m.OnGPU()
		}
		needed = append(needed, m)
	}
	return needed, nil
}

func (s Setup) knownRunners() ([]manifest.Manifest, error) {
	if s.Manifests != nil {
		return s.Manifests, nil
	}
	return KnownRunners(s.RunnerDir)
}

// Equip finds an engine and what starts processes on it, and makes no runner
// ready.
func Equip(ctx context.Context, s Setup) (*Bench, error) {
	devices, err := s.Host.Devices(s.Device)
	if err != nil {
		return nil, err
	}
	terms, err := s.termsOn(devices, sample.OwnLimits("/"))
	if err != nil {
		return nil, err
	}
	b, err := equip(ctx, s, devices, terms)
	if err != nil {
		return nil, err
	}
	if b.terms, err = s.termsOn(devices, limitsOn(ctx, b.engine)); err == nil {
		err = b.furnish(ctx, s)
	}
	if err != nil {
		return nil, errors.Join(err, b.Close(ctx))
	}
	return b, nil
}

// equip finds an engine that works.
func equip(ctx context.Context, s Setup, devices []device.Device, terms record.Terms) (*Bench, error) {
	b := &Bench{host: s.Host, progress: s.Progress, seed: s.Seed, catalog: &catalog.Catalog{}, devices: devices, terms: terms,
		jobs: cmp.Or(s.Jobs, DefaultJobs()), timeline: s.Timeline}
	if b.progress == nil {
		b.progress = silent{}
	}
	var err error
	if b.cache, err = b.host.CacheDir(); err != nil {
		return nil, err
	}
	known, err := b.host.KnownEngines(b.cache)
	if err != nil {
		return nil, err
	}
	var reason string
	if b.engine, reason, err = known.PickFor(ctx, s.Engine, devices); err != nil {
		return nil, err
	}
	b.progress.Say("engine: %s", reason)
	if set := b.host.Getenv("CUDA_VISIBLE_DEVICES"); set != "" && devices[0].GPU() {
		b.progress.Say("CUDA_VISIBLE_DEVICES=%s of the environment is ignored: runners get what --device names, %s", set, terms.Device)
	}
	return b, b.claim(ctx)
}

// claim makes this process known to others, and keeps the images that it uses.
func (b *Bench) claim(ctx context.Context) (err error) {
	if b.self, err = b.host.Claim(b.cache); err != nil {
		return err
	}
	b.release = append(b.release, b.self.Release)
	command, containers := b.engine.(*engine.CLI)
	if !containers {
		return nil
	}
	command.OwnedBy(b.self)
	release, err := UseImages(ctx, b.cache, b.progress)
	if err != nil {
		return errors.Join(err, b.unlock())
	}
	b.release = append(b.release, release)
	return nil
}

// unlock gives the locks back.
func (b *Bench) unlock() error {
	var faults []error
	for _, release := range b.release {
		faults = append(faults, release())
	}
	b.release = nil
	return errors.Join(faults...)
}

// furnish makes what starts processes on the engine.
func (b *Bench) furnish(ctx context.Context, s Setup) (err error) {
	if removed, err := b.engine.Sweep(ctx); err == nil && removed > 0 {
		b.progress.Say("removed %d containers that an earlier dlbench left behind", removed)
	}
	if err := handsOver(ctx, b.engine, b.devices); err != nil {
		return err
	}
	b.launcher = &launch.Launcher{
		Engine: b.engine, Session: fmt.Sprintf("%d-%d", os.Getpid(), b.host.Now().UnixNano()),
		Threads: b.terms.Threads, CPUs: b.terms.CPUs, Memory: b.terms.MemoryBytes,
		Inputs: filepath.Join(b.cache, "workloads"), Work: b.self.Work(), Logs: s.Logs,
		Python: engine.LocalPython(b.host.Getenv),
	}
	if b.local() {
		if b.launcher.Adapters, err = manifest.ExtractPython(b.cache); err != nil {
			return err
		}
	}
	b.meter = b.host.meterBeside(b.terms.CPUs)
	return os.MkdirAll(b.launcher.Inputs, 0o755)
}

// Close ends what the bench started.
func (b *Bench) Close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	var faults []error
	if b.judge != nil {
		faults = append(faults, b.judge.Close(ctx))
	}
	if b.launcher != nil {
		faults = append(faults, b.launcher.Close())
	}
	return errors.Join(append(faults, b.unlock())...)
}

// Workloads are the selected ones.
func (b *Bench) Workloads() []plan.ID { return b.workloads }

// Entries are the selected runners, each on every device.
func (b *Bench) Entries() []Entry { return b.entries }

// Reference is the runner that judges.
func (b *Bench) Reference() Entry { return b.reference }

// Terms are the conditions that every runner gets.
func (b *Bench) Terms() record.Terms { return b.terms }

// Devices are what the selected runners compute on.
func (b *Bench) Devices() []device.Device { return b.devices }

// EngineName names the engine that starts the runners.
func (b *Bench) EngineName() string { return b.engine.Name() }

// Meter watches a process while it computes.
func (b *Bench) Meter() campaign.Meter { return b.meter }

// Launcher starts processes.
func (b *Bench) Launcher() *launch.Launcher { return b.launcher }

// Progress is what the setup reports to.
func (b *Bench) Progress() Progress { return b.progress }

// Make makes a workload and its files, each only once.
func (b *Bench) Make(ctx context.Context, id plan.ID) (*plan.Plan, plan.Files, error) {
	made, err := b.catalog.New(id, b.seed)
	if err != nil {
		return nil, plan.Files{}, err
	}
	files, err := b.materialize(ctx, made)
	return made, files, err
}

func (b *Bench) materialize(ctx context.Context, p *plan.Plan) (plan.Files, error) {
	b.making.Lock()
	defer b.making.Unlock()
	return plan.Materialize(ctx, b.launcher.Inputs, p)
}

// room refuses workloads whose files the cache's disk has no room for, before
// anything is built.
func (b *Bench) room() error {
	var plans []*plan.Plan
	for _, id := range b.workloads {
		actual, err := b.catalog.New(id, b.seed)
		if err != nil {
			return err
		}
		deep, err := b.catalog.Parity(id, b.seed)
		if err != nil {
			return err
		}
		plans = append(plans, actual, deep)
	}
	if err := plan.Room(b.launcher.Inputs, plans...); err != nil {
		return EnvironmentError(err, "ask for a smaller batch or fewer workloads, or set XDG_CACHE_HOME to a directory on a disk with more room")
	}
	return nil
}

// Start starts a fresh process of a runner, and greets it.
func (b *Bench) Start(ctx context.Context, e Entry) (*launch.Runner, error) {
	return b.launcher.OpenWith(ctx, e.Manifest, e.Image, e.Device, launch.Own{Threads: cmp.Or(e.Threads, b.terms.Threads), Cache: e.Cache})
}

// StartRaw starts a process of a runner, and says nothing to it.
func (b *Bench) StartRaw(ctx context.Context, e Entry) (*launch.Conversation, error) {
	return b.launcher.StartRaw(ctx, e.Manifest, e.Image, e.Device)
}
