package bench_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/engine"
)

// Of the engines here, "auto" takes the first that hands the card over, and one
// that could start processes without a container only if there is no other.
func TestAutoTakesTheEngineThatHandsTheCardOver(t *testing.T) {
	card := []device.Device{{Name: "gpu:0", Card: record.GPU{UUID: "GPU-8d3f"}}}
	const (
		podman  = `case "$1" in version) echo 3.4.4;; esac`
		nvidia  = `case "$1" in version) echo 27.0;; info) echo '{"nvidia":{}}';; create) echo 1234;; esac`
		refuses = `case "$1" in version) echo 27.0;; info) echo '{"nvidia":{}}';; create) echo 1234;; start) echo "nvidia-container-cli: driver not loaded" >&2; exit 1;; esac`
	)
	for name, tt := range map[string]struct {
		programs map[string]string
		device   []device.Device
		takes    string // engine
		says     string
	}{
		"docker does, podman does not":     {map[string]string{"podman": podman, "docker": nvidia}, card, "docker", "podman 3.4.4 cannot hand a GPU to a container"},
		"both are good enough for the CPU": {map[string]string{"podman": podman, "docker": nvidia}, []device.Device{device.CPU}, "podman", ""},
		"docker says that it does":         {map[string]string{"docker": refuses}, card, "", "a container with it does not start: docker start: exit status 1: nvidia-container-cli: driver not loaded"},
		"neither does":                     {map[string]string{"podman": podman, "docker": refuses}, card, "", "podman 3.4.4 cannot hand a GPU"},
		"none is here":                     {nil, card, "local", "podman is undetected"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for program, script := range tt.programs {
				if err := os.WriteFile(filepath.Join(dir, program), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("PATH", dir)
			p, err := engine.NewPodman(os.Environ(), dir)
			if err != nil {
				t.Fatal(err)
			}
			picked, why, err := bench.Engines{p, engine.NewDocker(os.Environ()), engine.NewLocal(os.Environ())}.PickFor(t.Context(), "auto", tt.device)
			if tt.takes == "" {
				if err == nil || !strings.Contains(err.Error(), tt.says) {
					t.Errorf("error is %v, want %q", err, tt.says)
				}
				return
			}
			if err != nil || picked.Name() != tt.takes || !strings.Contains(why, tt.says) {
				t.Errorf("it takes %v, %q, %v; want %s, %q", picked, why, err, tt.takes, tt.says)
			}
		})
	}
}
