package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// container is a Process in a container of a CLI engine.
type container struct {
	engine *CLI
	id     string
	attach *exec.Cmd
	stdin  io.WriteCloser
	stdout io.Reader
	stderr io.Reader

	memory  outOfMemory
	ended   chan struct{} // closed when attach has ended
	exit    Exit
	exitErr error

	identity     Identity
	identityOnce sync.Once
	stop         sync.Mutex
	stopping     atomic.Bool
	removed      bool
}

// Start creates a container and attaches to it.
func (c *CLI) Start(ctx context.Context, spec Spec) (Process, error) {
	id, err := c.create(ctx, spec)
	if err != nil {
		return nil, fmt.Errorf("create a container for %s: %w", spec.Name, err)
	}
	p := &container{engine: c, id: id, memory: watchMemory(), ended: make(chan struct{})}
	// The context ends the session, which stops the container in good order;
	// it must not kill the attached client behind its back.
	p.attach = c.Command(context.WithoutCancel(ctx), "start", "--attach", "--interactive", id)
	p.attach.Dir = directory() // conmon leaves a file "oom" where it was started, if memory ends at its limit
	if err := p.connect(); err != nil {
		return nil, errors.Join(fmt.Errorf("start a container for %s: %w", spec.Name, err), c.remove(context.WithoutCancel(ctx), id))
	}
	return p, nil
}

// create makes a container and tells its ID, which the engine may print below
// warnings.
func (c *CLI) create(ctx context.Context, spec Spec) (id string, err error) {
	told, err := c.Output(ctx, c.createArguments(spec)...)
	return last(told), err
}

// directory is one for files that nobody misses.
func directory() string {
	if info, err := os.Stat(os.TempDir()); err == nil && info.IsDir() {
		return os.TempDir()
	}
	return "/"
}

func (p *container) connect() error {
	var err error
	if p.stdin, err = p.attach.StdinPipe(); err != nil {
		return err
	}
	if p.stdout, p.stderr, err = outputs(p.attach); err != nil {
		return err
	}
	if err := p.attach.Start(); err != nil {
		return err
	}
	closeChild(p.attach)
	go p.watch()
	return nil
}

// watch waits for the client and asks how the container ended before anyone
// can remove it.
func (p *container) watch() {
	defer close(p.ended)
	err := p.attach.Wait()
	p.exit = exitOf(err)
	if p.exit == (Exit{}) { // nothing killed it, and asking takes a tenth of a second of every process
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	oom, err := p.engine.Output(ctx, "inspect", "--format", "{{.State.OOMKilled}}", p.id)
	p.exit.OOMKilled = err == nil && oom == "true" || !p.stopping.Load() && p.memory.explains(p.exit)
}

func (p *container) Stdin() io.WriteCloser { return p.stdin }
func (p *container) Stdout() io.Reader     { return p.stdout }
func (p *container) Stderr() io.Reader     { return p.stderr }

// Identity asks once; a container that has ended has no process any more.
func (p *container) Identity() Identity {
	p.identityOnce.Do(func() {
		p.identity = Identity{ContainerID: p.id}
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if pid := p.pid(ctx); pid > 0 {
			p.identity.PID = pid
			p.identity.Cgroup = cgroupOf(pid)
		}
	})
	return p.identity
}

// pid waits until the engine has started the process; 0 when it has ended.
func (p *container) pid(ctx context.Context) int {
	for {
		text, err := p.engine.Output(ctx, "inspect", "--format", "{{.State.Pid}}", p.id)
		if err != nil {
			return 0
		}
		if pid, err := strconv.Atoi(text); err == nil && pid > 0 {
			return pid
		}
		select {
		case <-p.ended:
			return 0
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (p *container) Wait(ctx context.Context) (Exit, error) {
	select {
	case <-p.ended:
		return p.exit, p.exitErr
	case <-ctx.Done():
		return Exit{}, ctx.Err()
	}
}

func (p *container) Stop(ctx context.Context, grace time.Duration) error {
	p.stop.Lock()
	defer p.stop.Unlock()
	if p.removed {
		return nil
	}
	p.stopping.Store(true)
	select {
	case <-p.ended:
	default:
		seconds := strconv.Itoa(max(0, int(grace.Seconds())))
		_, _ = p.engine.Output(ctx, "stop", "--time", seconds, p.id)
		select { // so that Wait tells how it ended
		case <-p.ended:
		case <-time.After(5 * time.Second):
		}
	}
	if err := p.engine.remove(ctx, p.id); err != nil {
		return fmt.Errorf("remove container %.12s: %w", p.id, err)
	}
	p.removed = true
	<-p.ended
	return nil
}

// cgroupOf is the process's path in the hierarchy: version 2's if that is
// the only one, else the memory controller's.
func cgroupOf(pid int) string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return ""
	}
	unified := ""
	for _, line := range strings.Split(string(data), "\n") {
		parts := strings.SplitN(line, ":", 3)
		if len(parts) != 3 {
			continue
		}
		if parts[1] == "" {
			unified = parts[2]
		}
		for _, controller := range strings.Split(parts[1], ",") {
			if controller == "memory" {
				return parts[2]
			}
		}
	}
	return unified
}

// outputs are pipes that outlive Wait: a reader may still be busy with what a
// dead process wrote. The parent's copies of the write ends are closed by
// closeChild.
func outputs(command *exec.Cmd) (stdout, stderr io.Reader, err error) {
	outR, outW, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	errR, errW, err := os.Pipe()
	if err != nil {
		_, _ = outR.Close(), outW.Close()
		return nil, nil, err
	}
	command.Stdout, command.Stderr = outW, errW
	return &selfClosing{outR}, &selfClosing{errR}, nil
}

// selfClosing closes a pipe once it is read to its end.
type selfClosing struct{ file *os.File }

func (s *selfClosing) Read(p []byte) (int, error) {
	n, err := s.file.Read(p)
	if err != nil {
		_ = s.file.Close()
		if errors.Is(err, os.ErrClosed) {
			err = io.EOF
		}
	}
	return n, err
}

// closeChild closes this process's copies of a started child's output.
func closeChild(command *exec.Cmd) {
	for _, w := range []io.Writer{command.Stdout, command.Stderr} {
		if file, ok := w.(*os.File); ok {
			_ = file.Close()
		}
	}
}

// OwnGroup keeps a child out of the terminal's process group: a Ctrl-C reaches
// only the harness, which then ends its children in good order.
func OwnGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
