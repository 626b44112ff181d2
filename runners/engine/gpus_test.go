package engine

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestExactlyTheAskedGPUsReachAContainer(t *testing.T) {
	one, two := []string{"GPU-8d3f"}, []string{"GPU-8d3f", "MIG-01"}
	for name, tt := range map[string]struct {
		dialect dialect
		gpus    []string
		want    []string
	}{
		"docker, one":     {docker, one, []string{"--gpus", "device=GPU-8d3f"}},
		"docker, several": {docker, two, []string{"--gpus", `"device=GPU-8d3f,MIG-01"`}},
		"docker, none":    {docker, nil, nil},
		"podman, one":     {podman, one, []string{"--device=nvidia.com/gpu=GPU-8d3f"}},
		"podman, several": {podman, two, []string{"--device=nvidia.com/gpu=GPU-8d3f", "--device=nvidia.com/gpu=MIG-01"}},
		"podman, none":    {podman, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			args := (&CLI{dialect: tt.dialect}).createArguments(Spec{Image: "image", Command: []string{"run"}, GPUs: tt.gpus})
			var got []string
			for i, arg := range args {
				if arg == "--gpus" {
					got = append(got, arg, args[i+1])
				}
				if strings.HasPrefix(arg, "--device") {
					got = append(got, arg)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("options are %q, want %q", got, tt.want)
			}
			for _, rule := range []string{"--network=none", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges"} {
				if !slices.Contains(args, rule) {
					t.Errorf("%s is lost: %q", rule, args)
				}
			}
			if i := slices.Index(args, "image"); i != len(args)-2 || slices.Contains(args, "--privileged") {
				t.Errorf("arguments are %q", args)
			}
		})
	}
}

func TestALocalProcessSeesExactlyTheAskedGPUs(t *testing.T) {
	for want, gpus := range map[string][]string{"": nil, "GPU-8d3f": {"GPU-8d3f"}, "GPU-8d3f,MIG-01": {"GPU-8d3f", "MIG-01"}} {
		l := NewLocal([]string{"PATH=" + os.Getenv("PATH"), "CUDA_VISIBLE_DEVICES=7"})
		p, err := l.Start(t.Context(), Spec{Name: "x", GPUs: gpus, Command: []string{"sh", "-c", `printf '%s' "${CUDA_VISIBLE_DEVICES-unset}"`},
			Environment: map[string]string{"CUDA_VISIBLE_DEVICES": "3"}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(p.Stdout())
		if err != nil || string(got) != want {
			t.Errorf("for %v it sees %q, %v", gpus, got, err)
		}
		if err := p.Stop(t.Context(), 0); err != nil {
			t.Error(err)
		}
	}
}

func TestPodmanNeedsACDISpecification(t *testing.T) {
	empty, full := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "other.yaml"), []byte("kind: vendor.com/net\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := errors.Join(os.MkdirAll(filepath.Join(root, "dev"), 0o755), os.WriteFile(filepath.Join(root, "dev/nvidia-uvm"), nil, 0o644)); err != nil {
		t.Fatal(err)
	}
	c := &CLI{dialect: podman, cdi: []string{empty, full}, root: root, probed: true}
	missing := c.MissingForGPUs(t.Context())
	if missing == nil || !strings.Contains(missing.Text, "no CDI specification of nvidia.com/gpu lies in "+empty+" or "+full) ||
		!strings.Contains(missing.Hint, "nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml") {
		t.Errorf("missing is %+v", missing)
	}
	for name, spec := range map[string]string{
		"nvidia.yaml": "cdiVersion: 0.5.0\nkind: nvidia.com/gpu\ncontainerEdits:\n  deviceNodes:\n  - path: /dev/nvidia-uvm\ndevices:\n- name: \"0\"\n- name: GPU-8d3f\n",
		"nvidia.json": `{"kind": "nvidia.com/gpu", "devices": [{"name": "GPU-8d3f", "containerEdits": {"deviceNodes": [{"path": "/dev/nvidia-uvm"}]}}]}`,
	} {
		path := filepath.Join(full, name)
		if err := os.WriteFile(path, []byte(spec), 0o644); err != nil {
			t.Fatal(err)
		}
		if missing := c.MissingForGPUs(t.Context(), "GPU-8d3f"); missing != nil {
			t.Errorf("missing is %v", missing)
		}
		if missing := c.MissingForGPUs(t.Context(), "GPU-8d3f", "MIG-01"); missing == nil || !strings.Contains(missing.Text, "hand MIG-01 to") ||
			!strings.Contains(missing.Hint, "--device-name-strategy=uuid") {
			t.Errorf("a device that it does not name: %+v", missing)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
}

func TestDockerNeedsNVIDIAsRuntime(t *testing.T) {
	for name, tt := range map[string]struct {
		runtimes string
		hook     bool
		works    bool
	}{
		"no toolkit":          {`{"runc":{}}`, false, false},
		"its runtime":         {`{"nvidia":{},"runc":{}}`, false, true},
		"the hook":            {`{"runc":{}}`, true, true},
		"docker says nothing": {``, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			programs := map[string]string{"docker": "#!/bin/sh\necho '" + tt.runtimes + "'\n"}
			if tt.hook {
				programs["nvidia-container-runtime-hook"] = "#!/bin/sh\n"
			}
			for program, text := range programs {
				if err := os.WriteFile(filepath.Join(dir, program), []byte(text), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			t.Setenv("PATH", dir+":/bin:/usr/bin")
			missing := NewDocker(os.Environ()).MissingForGPUs(t.Context(), "GPU-8d3f")
			if (missing == nil) != tt.works {
				t.Errorf("missing is %v", missing)
			}
			if missing != nil && !strings.Contains(missing.Hint, "nvidia-container-toolkit") {
				t.Errorf("hint is %q", missing.Hint)
			}
		})
	}
}
