package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/dlbench/dlbench/metrics/sample"
)

func TestLimitsOfTheGroupAboveContainers(t *testing.T) {
	user := fmt.Sprintf("user.slice/user-%[1]d.slice", os.Getuid())
	for _, tt := range []struct {
		engine, told, group string
	}{
		{"podman", "cgroupfs false", "libpod_parent"},
		{"podman", "systemd false", "machine.slice"},
		{"podman", "systemd true", user},
		{"podman", "cgroupfs true", ""},
		{"docker", "cgroupfs", "docker"},
		{"docker", "systemd", "system.slice"},
	} {
		t.Run(tt.engine+" "+tt.told, func(t *testing.T) {
			root := t.TempDir()
			for path, text := range map[string]string{"cgroup.controllers": "cpu memory", tt.group + "/cpu.max": "150000 100000", tt.group + "/cpuset.cpus.effective": "2-3", tt.group + "/memory.max": "1073741824"} {
				path = filepath.Join(root, "sys/fs/cgroup", path)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			c, answer := scripted(t, tt.engine)
			c.root = root
			if got := c.ParentLimits(t.Context()); got != (sample.Limits{}) {
				t.Errorf("an engine that does not tell limits %+v", got)
			}
			answer("echo " + tt.told)
			want := sample.Limits{CPUs: 1.5, MemoryBytes: 1 << 30, CPUSet: "2-3"}
			if tt.group == "" {
				want = sample.Limits{}
			}
			if got := c.ParentLimits(t.Context()); got != want {
				t.Errorf("limits are %+v, want %+v", got, want)
			}
		})
	}
}

// scripted is an engine that is a script on PATH, and fails at first.
func scripted(t *testing.T, name string) (c *CLI, answer func(script string)) {
	t.Helper()
	bin := t.TempDir()
	answer = func(script string) {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	answer("exit 125")
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	if name == "docker" {
		return NewDocker(os.Environ()), answer
	}
	c, err := NewPodman(os.Environ(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return c, answer
}
