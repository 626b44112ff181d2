package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Local starts runners as plain processes, for machines without a container
// engine. It applies the CPU set and the largest file; it cannot bound memory
// without bounding address space, which frameworks reserve by the terabyte.
type Local struct {
	environ []string
}

// NewLocal starts processes with this environment, under the Spec's own.
func NewLocal(environ []string) *Local { return &Local{environ: environ} }

// Name is "local".
func (l *Local) Name() string { return "local" }

// SeesHostPaths says that mounts change nothing.
func (l *Local) SeesHostPaths() {}

// Unenforced names what a plain process is free of.
func (l *Local) Unenforced() []string {
	return []string{"memory limit", "network", "file system", "process count"}
}

// Probe is healthy wherever dlbench runs.
func (l *Local) Probe(context.Context) Health {
	return Health{State: Healthy, Version: runtime.GOOS + "/" + runtime.GOARCH}
}

// Sweep has nothing to do: a local runner ends when its input does.
func (l *Local) Sweep(context.Context) (int, error) { return 0, nil }

// Start starts a process in a group of its own.
func (l *Local) Start(ctx context.Context, spec Spec) (Process, error) {
	if len(spec.Command) == 0 {
		return nil, fmt.Errorf("start %s: no command", spec.Name)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	command := exec.CommandContext(context.WithoutCancel(ctx), spec.Command[0], spec.Command[1:]...)
	command.Env = append([]string(nil), l.environ...)
	for name, value := range spec.Environment {
		command.Env = append(command.Env, name+"="+l.joined(name, value))
	}
	// Last, so that nothing else decides. Without a GPU a framework touches none.
	command.Env = append(command.Env, "CUDA_VISIBLE_DEVICES="+strings.Join(spec.GPUs, ","))
	command.SysProcAttr = OwnGroup()
	p := &localProcess{command: command, memory: watchMemory(), ended: make(chan struct{})}
	var err error
	if p.stdin, err = command.StdinPipe(); err != nil {
		return nil, err
	}
	if p.stdout, p.stderr, err = outputs(command); err != nil {
		return nil, err
	}
	if err := startOn(command, spec.CPUs); err != nil {
		closeChild(command)
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	closeChild(command)
	bytes := uint64(orDefault(spec.FileBytes, defaultFile))
	if err := unix.Prlimit(command.Process.Pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: bytes, Max: bytes}, nil); err != nil && !errors.Is(err, unix.ESRCH) {
		_ = p.Stop(ctx, 0)
		return nil, fmt.Errorf("limit the files of %s: %w", spec.Name, err)
	}
	go p.watch()
	return p, nil
}

// joined is a variable for a process: what its user's Python finds by PYTHONPATH,
// it finds after the specification's directories.
func (l *Local) joined(name, value string) string {
	if name != "PYTHONPATH" {
		return value
	}
	for _, own := range slices.Backward(l.environ) { // the last one counts
		if rest, ok := strings.CutPrefix(own, "PYTHONPATH="); ok && rest != "" {
			return value + string(os.PathListSeparator) + rest
		}
	}
	return value
}

// startOn starts a process on a set of CPUs: a child inherits them from the
// thread that starts it.
func startOn(command *exec.Cmd, cpus string) error {
	if cpus == "" {
		return command.Start()
	}
	list, err := ParseCPUs(cpus)
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, wanted unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	for _, cpu := range list {
		wanted.Set(cpu)
	}
	if err := unix.SchedSetaffinity(0, &wanted); err != nil {
		return fmt.Errorf("CPUs %s: %w", cpus, err)
	}
	err = command.Start()
	return errors.Join(err, unix.SchedSetaffinity(0, &before))
}

// localProcess is a Process of the local engine.
type localProcess struct {
	command *exec.Cmd
	stdin   io.WriteCloser
	stdout  io.Reader
	stderr  io.Reader
	memory  outOfMemory
	ended   chan struct{}
	exit    Exit
	once    sync.Once
	stopped atomic.Bool
}

func (p *localProcess) watch() {
	p.exit = exitOf(p.command.Wait())
	p.exit.OOMKilled = !p.stopped.Load() && p.memory.explains(p.exit)
	close(p.ended)
}

func (p *localProcess) Stdin() io.WriteCloser { return p.stdin }
func (p *localProcess) Stdout() io.Reader     { return p.stdout }
func (p *localProcess) Stderr() io.Reader     { return p.stderr }

func (p *localProcess) Identity() Identity { return Identity{PID: p.command.Process.Pid} }

func (p *localProcess) Wait(ctx context.Context) (Exit, error) {
	select {
	case <-p.ended:
		return p.exit, nil
	case <-ctx.Done():
		return Exit{}, ctx.Err()
	}
}

// Stop ends the whole process group, politely first.
func (p *localProcess) Stop(_ context.Context, grace time.Duration) error {
	p.once.Do(func() {
		p.stopped.Store(true)
		group := -p.command.Process.Pid
		_ = syscall.Kill(group, syscall.SIGTERM)
		select {
		case <-p.ended:
		case <-time.After(grace):
		}
		_ = syscall.Kill(group, syscall.SIGKILL) // grandchildren too
	})
	<-p.ended
	return nil
}

// LocalPython is the interpreter that local runners are started with.
func LocalPython(getenv func(string) string) string {
	if python := getenv("DLBENCH_PYTHON"); python != "" {
		return python
	}
	if path, err := exec.LookPath("python3"); err == nil {
		return path
	}
	return "python3"
}
