package preflight

import (
	"errors"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/engine"
)

// works are the facts of a container in which a kernel computed.
func works() *Facts {
	return &Facts{Python: "3.11.2", Privileges: Privileges{UID: 65532, Capabilities: "0000000000000000", NoNewPrivileges: true, ReadOnlyRoot: true},
		Limits: Limits{Files: [2]int64{1024, 4096}, Processes: [2]int64{8192, 8192}, CPUs: 16, ThreadsAsked: 256, ThreadsStarted: 256, SharedBytes: 1 << 30, TmpBytes: 1 << 30},
		DeviceFiles: []DeviceFile{{Path: "/dev/nvidia-uvm", Mode: "0666"}, {Path: "/dev/nvidia-uvm-tools", Mode: "0600", Error: "EACCES"}, {Path: "/dev/nvidia0", Mode: "0666"},
			{Path: "/dev/nvidiactl", Mode: "0666"}},
		Cache: &Cache{Path: "/tmp/.nv/ComputeCache", Writable: true, Temporary: true},
		CUDA:  &CUDA{Steps: []Step{{Name: "cuInit", Seconds: 0.4}, {Name: "result"}}, Count: 1, UUID: "GPU-8d3f", Name: "H100", DriverCUDA: "13.0"}}
}

func TestAssess(t *testing.T) {
	card := device.Device{Name: "gpu:0", Card: record.GPU{UUID: "GPU-8d3f"}}
	broken := []Step{{Name: "cuInit", Code: 999}}
	for name, tt := range map[string]struct {
		change       func(*Facts)
		what         string
		state        State
		says, remedy string
	}{
		"a hardened process": {func(*Facts) {}, "process", OK, "user 65532, no capabilities, no new privileges, read-only root", ""},
		"too few threads": {func(f *Facts) { f.Limits.ThreadsStarted, f.Limits.ThreadsError = 100, "can't start new thread" }, "limits", Failed,
			"only 100 of 256 threads start", "pids limit"},
		"too few files":      {func(f *Facts) { f.Limits.Files[0] = 256 }, "limits", Warning, "256 files", "ulimit -n"},
		"its files are open": {func(*Facts) {}, "/dev/nvidia*", OK, "/dev/nvidia0 0666", ""},
		"a closed file": {func(f *Facts) {
			f.CUDA.Steps = broken
			f.DeviceFiles[2].Error = "EACCES Permission denied"
			f.DeviceFiles[2].Mode = "0660"
		}, "/dev/nvidia0", Failed,
			"EACCES Permission denied (mode 0660", "chmod 0666 /dev/nvidia0"},
		"no unified memory":        {func(f *Facts) { f.CUDA.Steps = broken; f.DeviceFiles = f.DeviceFiles[1:] }, "/dev/nvidia-uvm", Failed, "does not start without it", "nvidia-modprobe -u -c=0"},
		"it computes all the same": {func(f *Facts) { f.DeviceFiles = f.DeviceFiles[1:] }, "/dev/nvidia-uvm", Warning, "it is not there", "nvidia-modprobe -u -c=0"},
		"none of its files":        {func(f *Facts) { f.CUDA.Steps = broken; f.DeviceFiles = nil }, "/dev/nvidia*", Failed, "sees none", "hand the card over"},
		"Windows' Linux":           {func(f *Facts) { f.DeviceFiles = []DeviceFile{{Path: "/dev/dxg", Mode: "0666"}} }, "/dev/nvidia*", OK, "/dev/dxg", ""},
		"a cache in /tmp":          {func(*Facts) {}, "CUDA cache", OK, "the timed processes of a cell share one", ""},
		"a cache that is kept":     {func(f *Facts) { f.Cache.Temporary = false; f.Cache.Bytes = 3 << 20 }, "CUDA cache", OK, "3.0 MiB", ""},
		"a closed cache":           {func(f *Facts) { f.Cache.Writable = false }, "CUDA cache", Warning, "cannot be written", "CUDA_CACHE_PATH"},
		"no cache":                 {func(f *Facts) { f.Cache.Disabled = true }, "CUDA cache", Warning, "it is off", "CUDA_CACHE_DISABLE"},
		"no CUDA":                  {func(f *Facts) { f.CUDA = nil }, "kernel", Failed, "did not come to CUDA", ""},
		"a slow start":             {func(f *Facts) { f.CUDA.Steps[0].Seconds = 4 }, "kernel", OK, "the driver starts in 4.0 s", ""},
	} {
		t.Run(name, func(t *testing.T) {
			facts := works()
			tt.change(facts)
			for _, f := range facts.assess(card, "podman") {
				if f.What != tt.what {
					continue
				}
				if f.State != tt.state || !strings.Contains(f.Text, tt.says) || !strings.Contains(f.Remedy, tt.remedy) {
					t.Errorf("it is %+v, want %s, %q, %q", f, tt.state, tt.says, tt.remedy)
				}
				return
			}
			t.Errorf("nothing is said of %s", tt.what)
		})
	}
}

// The engines' own words name the remedy.
func TestRemediesOfContainersThatDoNotStart(t *testing.T) {
	card := device.Device{Name: "gpu:0", Card: record.GPU{UUID: "GPU-8d3f"}}
	for says, want := range map[string]string{
		`failed to inject devices: failed to load CDI Spec: error unmarshaling JSON: unknown field "additionalGids"`: "--feature-flag=no-additional-gids-for-device-nodes",
		"setting up CDI devices: unresolvable CDI devices nvidia.com/gpu=GPU-8d3f":                                   "--device-name-strategy=uuid",
		"failed to stat CDI host device \"/dev/nvidia-uvm\": no such file or directory":                              "nvidia-modprobe -u -c=0",
		"nvidia-container-cli: initialization error: nvml error: driver not loaded":                                  "nvidia-ctk runtime configure",
		"anything else": "nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml",
	} {
		if got := startRemedy(engine.NewDocker(nil), card, errors.New(says)); !strings.Contains(got, want) {
			t.Errorf("%q: the remedy is %q, want %q", says, got, want)
		}
	}
}
