package engine_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/runners/engine"
)

// machine has only these programs on PATH, each a shell script.
func machine(t *testing.T, programs map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, body := range programs {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
}

func TestInstallSaysTheCommandBeforeItRunsIt(t *testing.T) {
	machine(t, map[string]string{"apt-get": "exit 0", "sudo": `[ "$1" = -n ]`})
	var events []string
	err := engine.Installer{
		Say: func(format string, args ...any) { events = append(events, "say "+fmt.Sprintf(format, args...)) },
		Run: func(command *exec.Cmd) error {
			events = append(events, "run "+strings.Join(command.Args, " "))
			if !slices.Contains(command.Env, "DEBIAN_FRONTEND=noninteractive") {
				t.Error("apt-get may ask")
			}
			return nil
		},
	}.Install(t.Context())
	if err != nil || len(events) != 2 {
		t.Fatalf("%q, %v; want to be told, then one command", events, err)
	}
	if !strings.HasPrefix(events[0], "say ") || !strings.Contains(events[0], engine.InstallCommand) || !strings.Contains(events[0], "MB to download") {
		t.Errorf("first comes %q, want the command and what it costs", events[0])
	}
	if !strings.HasSuffix(events[1], "sh -c "+engine.InstallCommand) || strings.Contains(events[1], "sudo -n") != (os.Geteuid() != 0) {
		t.Errorf("then comes %q, want the command, with sudo only if need be", events[1])
	}
}

func TestInstallThatMayNotOrFailsTellsTheCommand(t *testing.T) {
	for name, tt := range map[string]struct {
		programs map[string]string
		run      error
		text     string
	}{
		"no Debian machine": {map[string]string{}, nil, "no Debian machine"},
		"it fails":          {map[string]string{"apt-get": "exit 0", "sudo": "exit 0"}, errors.New("exit status 100"), "install a container engine: exit status 100"},
	} {
		t.Run(name, func(t *testing.T) {
			machine(t, tt.programs)
			err := engine.Installer{Say: func(string, ...any) {}, Run: func(*exec.Cmd) error { return tt.run }}.Install(t.Context())
			var missing *engine.EnvironmentError
			if !errors.As(err, &missing) || !strings.Contains(missing.Text, tt.text) || !strings.Contains(missing.Hint, engine.InstallCommand) {
				t.Errorf("got %+v, want %q and the command", err, tt.text)
			}
		})
	}
	if os.Geteuid() == 0 {
		return // root needs nobody's leave
	}
	machine(t, map[string]string{"apt-get": "exit 0", "sudo": "exit 1"})
	err := engine.Installer{Say: func(string, ...any) {}, Run: func(*exec.Cmd) error { t.Error("it ran"); return nil }}.Install(t.Context())
	if err == nil || !strings.Contains(err.Error(), "needs root") {
		t.Errorf("got %v", err)
	}
}

func TestAnEnvironmentErrorEndsWithTheLog(t *testing.T) {
	if got := (&engine.EnvironmentError{Text: "no image"}).Error(); got != "no image" {
		t.Errorf("%q", got)
	}
	if got := (&engine.EnvironmentError{Text: "no image", Log: "one\ntwo\n"}).Error(); got != "no image; its output ends:\n  one\n  two" {
		t.Errorf("%q", got)
	}
}

func TestTheRemedyFollowsWhatTheEngineSaid(t *testing.T) {
	for said, want := range map[string]string{
		"unresolvable CDI device nvidia.com/gpu=GPU-8d3f":        "--device-name-strategy=uuid",
		"stat nvidia.com/gpu=GPU-8d3f: no such file":             "--device-name-strategy=uuid",
		"unknown field additionalGids":                           "--feature-flag=no-additional-gids-for-device-nodes",
		"failed to stat /dev/nvidia-uvm":                         "nvidia-modprobe -u -c=0",
		"nvidia-container-cli: initialization error":             "update NVIDIA's container toolkit",
		"failed to stat /usr/lib/libnvidia-ml.so.550: not found": "a specification of an older driver",
	} {
		if got := engine.HandOverRemedy(errors.New(said)); !strings.Contains(got, want) {
			t.Errorf("%q: remedy %q, want %q", said, got, want)
		}
	}
}
