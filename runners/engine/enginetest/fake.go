// Package enginetest is what tests of engines and of their users share: a
// scripted engine, and the conformance suite that every engine passes.
package enginetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/dlbench/dlbench/runners/engine"
)

// Script is a runner written in Go: it reads requests, writes replies and a
// log, and returns how it ended. Stop is closed when the process is asked to
// end; a script that looks away is killed after the grace.
type Script func(p *Streams) engine.Exit

// Streams are a scripted process's world.
type Streams struct {
	Spec   engine.Spec
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Stop   <-chan struct{}
}

// Fake is an engine whose processes are scripts, chosen by the first word of
// the command.
type Fake struct {
	Scripts map[string]Script
	Refuse  func(spec engine.Spec) error // why a process cannot be started; nil starts all

	mu      sync.Mutex
	running int
}

// Name is "fake".
func (f *Fake) Name() string { return "fake" }

// SeesHostPaths says that mounts change nothing.
func (f *Fake) SeesHostPaths() {}

// Probe is always healthy.
func (f *Fake) Probe(context.Context) engine.Health { return engine.Health{State: engine.Healthy} }

// Sweep finds nothing: scripts die with the test.
func (f *Fake) Sweep(context.Context) (int, error) { return 0, nil }

// Running is how many processes have not ended.
func (f *Fake) Running() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.running
}

// Start runs a script.
func (f *Fake) Start(ctx context.Context, spec engine.Spec) (engine.Process, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(spec.Command) == 0 {
		return nil, errors.New("start: no command")
	}
	if f.Refuse != nil {
		if err := f.Refuse(spec); err != nil {
			return nil, err
		}
	}
	script, ok := f.Scripts[spec.Command[0]]
	if !ok {
		return nil, fmt.Errorf("start: no script %q", spec.Command[0])
	}
	p := &fakeProcess{ended: make(chan struct{}), stop: make(chan struct{})}
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	errR, errW := io.Pipe()
	p.stdin, p.stdout, p.stderr = inW, outR, errR
	p.end = func() { _, _, _ = inR.Close(), outW.Close(), errW.Close() }
	f.count(1)
	go func() {
		exit := script(&Streams{Spec: spec, Stdin: inR, Stdout: outW, Stderr: errW, Stop: p.stop})
		p.finish(exit)
		f.count(-1)
	}()
	return p, nil
}

func (f *Fake) count(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.running += n
}

type fakeProcess struct {
	stdin  io.WriteCloser
	stdout io.Reader
	stderr io.Reader
	end    func()
	ended  chan struct{}
	stop   chan struct{}
	asked  sync.Once
	done   sync.Once
	exit   engine.Exit
}

func (p *fakeProcess) finish(exit engine.Exit) {
	p.done.Do(func() {
		p.exit = exit
		p.end()
		close(p.ended)
	})
}

func (p *fakeProcess) Stdin() io.WriteCloser     { return p.stdin }
func (p *fakeProcess) Stdout() io.Reader         { return p.stdout }
func (p *fakeProcess) Stderr() io.Reader         { return p.stderr }
func (p *fakeProcess) Identity() engine.Identity { return engine.Identity{} }

func (p *fakeProcess) Wait(ctx context.Context) (engine.Exit, error) {
	select {
	case <-p.ended:
		return p.exit, nil
	case <-ctx.Done():
		return engine.Exit{}, ctx.Err()
	}
}

func (p *fakeProcess) Stop(_ context.Context, grace time.Duration) error {
	p.asked.Do(func() { close(p.stop) })
	select {
	case <-p.ended:
	case <-time.After(grace):
		p.finish(engine.Exit{Code: 137, Signal: "SIGKILL"})
	}
	return nil
}
