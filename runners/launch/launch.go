// Package launch starts runners under the terms of a campaign: it knows where
// files lie on both sides of a container's wall, and gives every process a
// work directory of its own.
package launch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/manifest"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/runners/session"
	"github.com/dlbench/dlbench/workloads/disk"
	"github.com/dlbench/dlbench/workloads/plan"
)

// Launcher starts runners, each under the same terms.
type Launcher struct {
	Engine    engine.Engine
	Session   string // label of everything that is started
	Threads   int
	CPUs      string
	Memory    int64  // bytes
	Inputs    string // directory of the workloads' files, read-only for runners
	Work      string // directory for the processes' work directories
	Logs      string // directory of <runner>.log; empty keeps none
	Python    string // interpreter, for local runners
	Adapters  string // what manifest.ExtractPython returns, for local runners
	Deadlines session.Deadlines

	mu   sync.Mutex
	logs map[string]*os.File
}

// Where containers find their files.
const (
	inputsInside = "/dlbench/in"
	workInside   = "/dlbench/work"
	cacheInside  = "/dlbench/cache"
)

// Runner is a started runner, ready to load.
type Runner struct {
	*session.Session
	engine      engine.Engine
	mounts      []engine.Mount
	work        string
	count       int
	unconfirmed string
	found       string
}

// Own is what one process has of its own.
type Own struct {
	Threads int    // if not the launcher's
	Cache   string // directory for what the runner compiles; empty is one that ends with the process
}

// CompileCache says what a runner that keeps what it compiles found when it
// started, as records have it; empty for one that keeps nothing.
func (r *Runner) CompileCache() string { return r.found }

// Unconfirmed is what the runner cannot tell of its device; empty if it
// confirmed the one that it was given.
func (r *Runner) Unconfirmed() string { return r.unconfirmed }

// Open starts a fresh process of a runner on a device; image is its built
// image, unless the engine is the local one. A runner that says that it
// computes on another device is refused.
func (l *Launcher) Open(ctx context.Context, m manifest.Manifest, image string, on device.Device) (*Runner, error) {
	return l.OpenWith(ctx, m, image, on, Own{})
}

// OpenWith is Open with what the process has of its own.
func (l *Launcher) OpenWith(ctx context.Context, m manifest.Manifest, image string, on device.Device, own Own) (*Runner, error) {
	log, err := l.log(m.Name)
	if err != nil {
		return nil, err
	}
	work, mounts, err := l.workDirectory(m)
	if err != nil {
		return nil, err
	}
	r := &Runner{engine: l.Engine, work: work, mounts: mounts}
	threads := cmp.Or(own.Threads, l.Threads)
	cache, err := r.cache(m, own.Cache, l.keepsDriver(on))
	var spec engine.Spec
	if err == nil {
		spec, err = l.spec(m, image, r.mounts, on, threads, r.inside(cache))
	}
	if err == nil {
		r.Session, err = session.Open(ctx, session.Config{
			Runner: m.Name, Engine: l.Engine, Spec: spec, Log: log, Deadlines: l.Deadlines,
			Hello: protocol.HelloParams{Device: on.Inside(), Threads: threads},
		})
	}
	if err == nil {
		seen := r.Hello().Device
		var other error
		if r.unconfirmed, other = on.Confirm(seen.Kind, seen.UUID); other != nil {
			err = r.Refuse(context.WithoutCancel(ctx), session.WrongDevice, other)
		}
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(work))
	}
	return r, nil
}

// driverCacheBytes is the most that the driver takes; by itself it keeps less than
// what a framework has.
const driverCacheBytes = "4294967296"

// workDirectory makes a process's own directory.
func (l *Launcher) workDirectory(m manifest.Manifest) (string, []engine.Mount, error) {
	if err := os.MkdirAll(l.Work, 0o700); err != nil {
		return "", nil, err
	}
	work, err := os.MkdirTemp(l.Work, fileName(m.Name)+"-")
	if err != nil {
		return "", nil, err
	}
	// An unprivileged user inside writes here; the directory above is closed
	// to everybody else outside.
	mounts := []engine.Mount{
		{Host: l.Inputs, Inside: inputsInside, ReadOnly: true},
		{Host: work, Inside: workInside},
	}
	return work, mounts, os.Chmod(work, 0o777)
}

// fileName is a runner's name in paths; a colon would end the path of a mount.
func fileName(runner string) string { return strings.ReplaceAll(runner, ":", "-") }

// keepsDriver says whether a process is given a place for what the card's driver
// compiles of intermediate code: a container has none of its own that is left when
// it ends, a plain process has the user's.
func (l *Launcher) keepsDriver(on device.Device) bool {
	_, shares := l.Engine.(engine.HostPaths)
	return on.GPU() && !shares
}

// cache makes the directory for what a runner compiles, or the driver for it, and
// looks whether the runner finds anything.
func (r *Runner) cache(m manifest.Manifest, shared string, driver bool) (string, error) {
	if !m.Caches() && (!driver || shared == "") {
		return "", nil
	}
	if shared == "" {
		r.found = record.NothingCompiled
		return cacheBelow(r.work)
	}
	if err := os.MkdirAll(shared, 0o700); err != nil {
		return "", err
	}
	entries, err := os.ReadDir(shared)
	if err != nil {
		return "", err
	}
	if m.Caches() {
		r.found = record.NothingCompiled
		if len(entries) > 0 {
			r.found = record.FoundCompiled
		}
	}
	r.mounts = append(r.mounts, engine.Mount{Host: shared, Inside: cacheInside})
	return shared, os.Chmod(shared, 0o777) // as a work directory
}

// cacheBelow makes a directory for what ends with its process.
func cacheBelow(work string) (string, error) {
	dir := filepath.Join(work, "compiled")
	return dir, errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, 0o777))
}

func (l *Launcher) spec(m manifest.Manifest, image string, mounts []engine.Mount, on device.Device, threads int, cache string) (engine.Spec, error) {
	spec := engine.Spec{Session: l.Session, Name: m.Name, Image: image, Command: m.At(manifest.ImageRoot, m.Command), CPUs: l.CPUs, GPUs: on.UUIDs(),
		MemoryBytes: l.Memory, Mounts: mounts, Environment: m.EnvironmentFor(threads, cache)}
	if cache != "" && l.keepsDriver(on) { // "CUDA Environment Variables" in the CUDA C++ Programming Guide
		spec.Environment["CUDA_CACHE_PATH"], spec.Environment["CUDA_CACHE_MAXSIZE"] = path.Join(cache, "driver"), driverCacheBytes
	}
	if _, shares := l.Engine.(engine.HostPaths); !shares {
		return spec, nil
	}
	if m.Local == nil {
		return spec, &protocol.Error{Code: protocol.Unsupported, Message: "the manifest says no way to start it as a local process"}
	}
	spec.Command = m.At(l.Adapters, m.Local.Command)
	if spec.Command[0] == "python3" {
		spec.Command[0] = l.Python
	}
	spec.Environment["PYTHONPATH"] = l.Adapters
	spec.Environment["PYTHONDONTWRITEBYTECODE"] = "1"
	return spec, nil
}

// log is one file for each runner, for all its processes.
func (l *Launcher) log(runner string) (io.Writer, error) {
	if l.Logs == "" {
		return nil, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if file, ok := l.logs[runner]; ok {
		return file, nil
	}
	if err := os.MkdirAll(l.Logs, 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(filepath.Join(l.Logs, fileName(runner)+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	if l.logs == nil {
		l.logs = map[string]*os.File{}
	}
	l.logs[runner] = file
	return file, nil
}

// Close closes the logs.
func (l *Launcher) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var faults []error
	for _, file := range l.logs {
		faults = append(faults, file.Close())
	}
	l.logs = nil
	return errors.Join(faults...)
}

func (r *Runner) inside(host string) string { return engine.PathInside(r.engine, r.mounts, host) }

// Load makes the runner build a workload from its files.
func (r *Runner) Load(ctx context.Context, files plan.Files) (protocol.LoadResult, error) {
	return r.Session.Load(ctx, r.filesInside(files))
}

func (r *Runner) filesInside(files plan.Files) protocol.LoadParams {
	return protocol.LoadParams{Plan: r.inside(files.Plan.Path), Weights: r.inside(files.Weights.Path), Batch: r.inside(files.Batch.Path)}
}

// Bare makes the runner build the framework's own loop of a workload in its
// process.
func (r *Runner) Bare(ctx context.Context, files plan.Files) (protocol.BareResult, error) {
	return r.Session.Bare(ctx, r.filesInside(files))
}

// Verify returns the file, on the host, that the runner wrote. It lives until
// Close.
func (r *Runner) Verify(ctx context.Context, p protocol.VerifyParams) (string, protocol.VerifyResult, error) {
	host := r.output("verify")
	p.Output = r.inside(host)
	result, err := r.Session.Verify(ctx, p)
	return host, result, r.written(err)
}

// Measure runs a block; with output the last iteration's output is written and
// its path on the host returned.
func (r *Runner) Measure(ctx context.Context, p protocol.MeasureParams, output bool) (protocol.MeasureResult, string, error) {
	host := ""
	if output {
		host = r.output("measure")
		p.Output = r.inside(host)
	}
	result, err := r.Session.Measure(ctx, p)
	return result, host, r.written(err)
}

// leastRoom is what is free at least on a disk that a runner did not fill: one
// that says that its disk is full may mean its own /tmp.
const leastRoom = 16 << 20

// written tells a full disk of the harness, which is no fault of the runner and
// which the next one would meet too, from a full disk of the runner's own.
func (r *Runner) written(err error) error {
	var refused *protocol.Error
	if !errors.As(err, &refused) || refused.Code != protocol.DiskFull {
		return err
	}
	if _, free, known := disk.Free(r.work); !known || free >= leastRoom {
		return err
	}
	return &engine.EnvironmentError{Text: fmt.Sprintf("%v, and %s is on a full disk", err, r.work),
		Hint: "make room there, or let XDG_CACHE_HOME name a directory on another disk", Err: syscall.ENOSPC}
}

func (r *Runner) output(what string) string {
	r.count++
	return filepath.Join(r.work, fmt.Sprintf("%s-%d.safetensors", what, r.count))
}

// Close ends the process and removes its work directory.
func (r *Runner) Close(ctx context.Context) error {
	return errors.Join(r.Session.Close(ctx), os.RemoveAll(r.work))
}

// Conversation is a started runner to which nothing has been said yet.
type Conversation struct {
	engine.Process
	Work   string                   // a directory that the runner may write to, on the host
	Inside func(host string) string // how the runner sees a path
}

// StartRaw starts a runner on a device, whose lines the caller writes and reads.
func (l *Launcher) StartRaw(ctx context.Context, m manifest.Manifest, image string, on device.Device) (*Conversation, error) {
	c, err := l.converse(ctx, m, image, on, l.Threads)
	if err != nil {
		return nil, err
	}
	go func() { _, _ = io.Copy(io.Discard, c.Stderr()) }()
	return c, nil
}

// StartProgram starts another program of a runner than its adapter, where and as
// that is started. What it prints and complains of is the caller's.
func (l *Launcher) StartProgram(ctx context.Context, m manifest.Manifest, command []string, image string, on device.Device, threads int) (*Conversation, error) {
	m.Command = command
	if m.Local != nil {
		m.Local = &manifest.Local{Command: command, Requires: m.Local.Requires}
	}
	return l.converse(ctx, m, image, on, threads)
}

func (l *Launcher) converse(ctx context.Context, m manifest.Manifest, image string, on device.Device, threads int) (*Conversation, error) {
	work, mounts, err := l.workDirectory(m)
	if err != nil {
		return nil, err
	}
	c := &Conversation{Work: work, Inside: func(host string) string { return engine.PathInside(l.Engine, mounts, host) }}
	cache := ""
	if m.Caches() {
		cache, err = cacheBelow(work)
	}
	var spec engine.Spec
	if err == nil {
		spec, err = l.spec(m, image, mounts, on, threads, c.Inside(cache))
	}
	if err == nil {
		c.Process, err = l.Engine.Start(ctx, spec)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(work))
	}
	return c, nil
}

// Close ends the process, if it runs, and removes its work directory.
func (c *Conversation) Close(ctx context.Context) error {
	return errors.Join(c.Stop(ctx, 0), os.RemoveAll(c.Work))
}
