package enginetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/dlbench/dlbench/runners/engine"
)

// A behaviour is the same small program twice: for a shell, and as a script.
type behaviour struct {
	shell  string
	script Script
}

const payload = 1 << 20

var behaviours = map[string]behaviour{
	"echo": {`cat; echo done >&2`, func(p *Streams) engine.Exit {
		_, _ = io.Copy(p.Stdout, p.Stdin)
		fmt.Fprintln(p.Stderr, "done")
		return engine.Exit{}
	}},
	"exit": {`echo last words >&2; exit 3`, func(p *Streams) engine.Exit {
		fmt.Fprintln(p.Stderr, "last words")
		return engine.Exit{Code: 3}
	}},
	"die": {`sh -c "kill -SEGV \$\$"; exit $?`, func(*Streams) engine.Exit { return engine.Exit{Code: 139, Signal: "SIGSEGV"} }},
	"environment": {`echo "$GREETING"`, func(p *Streams) engine.Exit {
		fmt.Fprintln(p.Stdout, p.Spec.Environment["GREETING"])
		return engine.Exit{}
	}},
	"stubborn": {`trap "" TERM; echo ready; while :; do sleep 1; done`, func(p *Streams) engine.Exit {
		fmt.Fprintln(p.Stdout, "ready")
		select {}
	}},
}

// Scripts are the behaviours for a Fake.
func Scripts() map[string]Script {
	all := map[string]Script{}
	for name, b := range behaviours {
		all[name] = b.script
	}
	return all
}

// Suite is an engine under test, and the Spec that real ones need: an image.
type Suite struct {
	New   func(t *testing.T) engine.Engine
	Base  engine.Spec
	Shell bool // processes run a shell, else they are a Fake's scripts
}

// Run is the conformance suite.
func (s Suite) Run(t *testing.T) {
	t.Run("streams are separate and whole", s.streams)
	t.Run("exit codes are told", s.exits)
	t.Run("the environment is passed on", s.environment)
	t.Run("stop ends a process that will not", s.stubborn)
	t.Run("a command that is not there is an error", s.absent)
	t.Run("a cancelled context starts nothing", s.cancelled)
	t.Run("probe is healthy", func(t *testing.T) {
		if h := s.New(t).Probe(t.Context()); h.State != engine.Healthy {
			t.Errorf("health is %+v", h)
		}
	})
}

// Spec is how a behaviour is started.
func (s Suite) Spec(name string) engine.Spec {
	spec := s.Base
	spec.Name, spec.Session = name, "conformance"
	spec.Command = []string{name}
	if s.Shell {
		spec.Command = []string{"sh", "-c", behaviours[name].shell}
	}
	return spec
}

func (s Suite) start(t *testing.T, spec engine.Spec) engine.Process {
	t.Helper()
	p, err := s.New(t).Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Stop(context.Background(), 0); err != nil {
			t.Errorf("stop at the end: %v", err)
		}
	})
	return p
}

func (s Suite) wait(t *testing.T, p engine.Process) engine.Exit {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	exit, err := p.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return exit
}

func (s Suite) streams(t *testing.T) {
	p := s.start(t, s.Spec("echo"))
	sent := bytes.Repeat([]byte("0123456789abcde\n"), payload/16)
	logged := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(p.Stderr())
		logged <- string(text)
	}()
	go func() {
		_, _ = p.Stdin().Write(sent)
		_ = p.Stdin().Close()
	}()
	got, err := io.ReadAll(p.Stdout())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, sent) {
		t.Errorf("%d bytes came back of %d, or others", len(got), len(sent))
	}
	if text := <-logged; text != "done\n" {
		t.Errorf("standard error is %q", text)
	}
	if exit := s.wait(t, p); exit.Code != 0 {
		t.Errorf("exit is %+v", exit)
	}
}

func (s Suite) exits(t *testing.T) {
	p := s.start(t, s.Spec("exit"))
	text, _ := io.ReadAll(p.Stderr())
	for range 2 { // waiting twice is fine
		if exit := s.wait(t, p); exit.Code != 3 || exit.Signal != "" || exit.OOMKilled {
			t.Errorf("exit is %+v, want code 3", exit)
		}
	}
	if !strings.Contains(string(text), "last words") {
		t.Errorf("what it wrote before its end is lost: %q", text)
	}
	p = s.start(t, s.Spec("die"))
	go func() { _, _ = io.Copy(io.Discard, p.Stderr()) }()
	if exit := s.wait(t, p); exit.Code != 139 || exit.Signal != "SIGSEGV" {
		t.Errorf("exit is %+v, want death by SIGSEGV", exit)
	}
}

func (s Suite) environment(t *testing.T) {
	spec := s.Spec("environment")
	spec.Environment = map[string]string{"GREETING": "hello 'there' $HOME"}
	p := s.start(t, spec)
	got, err := io.ReadAll(p.Stdout())
	if err != nil || string(got) != "hello 'there' $HOME\n" {
		t.Errorf("it saw %q, %v", got, err)
	}
	s.wait(t, p)
}

func (s Suite) stubborn(t *testing.T) {
	p := s.start(t, s.Spec("stubborn"))
	ready := make([]byte, 6)
	if _, err := io.ReadFull(p.Stdout(), ready); err != nil {
		t.Fatal(err)
	}
	for range 2 { // stopping twice is fine
		if err := p.Stop(t.Context(), time.Second); err != nil {
			t.Fatal(err)
		}
	}
	if exit := s.wait(t, p); exit.Code == 0 {
		t.Errorf("exit is %+v, want a killed process", exit)
	}
}

func (s Suite) absent(t *testing.T) {
	spec := s.Spec("exit")
	spec.Command = []string{"/no/such/program"}
	p, err := s.New(t).Start(t.Context(), spec)
	if err != nil {
		return // told at once
	}
	text, _ := io.ReadAll(p.Stderr())
	exit := s.wait(t, p)
	if err := p.Stop(t.Context(), 0); err != nil {
		t.Error(err)
	}
	if exit.Code == 0 || !strings.Contains(string(text), "no/such/program") {
		t.Errorf("exit is %+v, log %q", exit, text)
	}
}

func (s Suite) cancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p, err := s.New(t).Start(ctx, s.Spec("echo"))
	if err == nil {
		_ = p.Stop(t.Context(), 0)
		t.Error("it started")
	}
}
