package engine_test

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dlbench/dlbench/runners/engine"
)

func TestThePlainEngineSaysWhatItDoesNotEnforce(t *testing.T) {
	l := engine.NewLocal(os.Environ())
	if l.Name() != "local" {
		t.Errorf("its name is %q", l.Name())
	}
	if _, shares := any(l).(engine.HostPaths); !shares {
		t.Error("its processes see the host's files, and it does not say so")
	}
	for _, want := range []string{"memory limit", "network", "file system", "process count"} {
		if !slices.Contains(l.Unenforced(), want) {
			t.Errorf("%s is not among what it does not enforce", want)
		}
	}
	if n, err := l.Sweep(t.Context()); n != 0 || err != nil {
		t.Errorf("a sweep gives %d, %v", n, err)
	}
}

func TestAPlainProcessIsStoppedWithItsChildren(t *testing.T) {
	p, err := engine.NewLocal(os.Environ()).Start(t.Context(), engine.Spec{Name: "x", Command: []string{"sh", "-c", `sleep 1000 & echo $!; wait`}})
	if err != nil {
		t.Fatal(err)
	}
	text := make([]byte, 20)
	n, err := p.Stdout().Read(text)
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(text[:n])))
	if err != nil {
		t.Fatal(err)
	}
	if id := p.Identity(); id.PID == 0 || id.PID == child || id.ContainerID != "" {
		t.Errorf("identity is %+v", id)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting with an ended context gives %v", err)
	}
	if err := p.Stop(t.Context(), time.Second); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(p.Stdout()); err != nil { // its end is the end of all who hold it
		t.Error(err)
	}
	for range 1000 { // what was killed needs a moment to be gone
		if !runs(child) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("its child %d still runs", child)
}

// runs says whether a process has not ended. One that nobody has waited for is
// listed on, in a container whose first process waits for none.
func runs(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestWhatAPlainProcessCannotBeStartedWith(t *testing.T) {
	l := engine.NewLocal(os.Environ())
	for name, tt := range map[string]struct {
		spec engine.Spec
		want string
	}{
		"no command":      {engine.Spec{Name: "x"}, "start x: no command"},
		"no such program": {engine.Spec{Name: "x", Command: []string{"/no/such"}}, "start x: fork/exec /no/such"},
		"no CPU list":     {engine.Spec{Name: "x", Command: []string{"true"}, CPUs: "one"}, "start x"},
		"no such CPU":     {engine.Spec{Name: "x", Command: []string{"true"}, CPUs: "1000"}, "start x: CPUs 1000"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := l.Start(t.Context(), tt.spec); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestAPlainProcessFindsItsUsersModulesAfterTheAdapters(t *testing.T) {
	for want, environ := range map[string][]string{
		"/adapters":            nil,
		"/adapters:/own:/more": {"PYTHONPATH=/old", "PYTHONPATH=/own:/more"},
	} {
		p, err := engine.NewLocal(environ).Start(t.Context(), engine.Spec{Name: "x", Command: []string{"/bin/sh", "-c", `printf '%s' "$PYTHONPATH"`},
			Environment: map[string]string{"PYTHONPATH": "/adapters"}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(p.Stdout())
		if err != nil || string(got) != want {
			t.Errorf("beside %q it gets %q, %v, want %q", environ, got, err, want)
		}
		if err := p.Stop(t.Context(), 0); err != nil {
			t.Error(err)
		}
	}
}

func TestTheLocalPython(t *testing.T) {
	machine(t, map[string]string{"python3": "exit 0"})
	dir := os.Getenv("PATH")
	variable := ""
	getenv := func(name string) string { return map[string]string{"DLBENCH_PYTHON": variable}[name] }
	if got := engine.LocalPython(getenv); got != dir+"/python3" {
		t.Errorf("got %q, want the one on PATH", got)
	}
	variable = "/opt/python"
	if got := engine.LocalPython(getenv); got != "/opt/python" {
		t.Errorf("got %q, want the one that was named", got)
	}
	variable = ""
	t.Setenv("PATH", t.TempDir())
	if got := engine.LocalPython(getenv); got != "python3" {
		t.Errorf("got %q; without one its name says what is missing", got)
	}
}
