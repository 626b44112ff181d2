package preflight_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample/drivertest"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/launch"
	"github.com/dlbench/dlbench/runners/manifest"
	"github.com/dlbench/dlbench/runners/preflight"
)

// The probe runs in a plain process, over a made-up driver's library.
func TestTheProbeFindsWhatKeepsACardFromComputing(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no Python here")
	}
	libraries := drivertest.Build(t)
	card := device.Device{Name: "gpu:0", Card: record.GPU{UUID: drivertest.Card}}
	for name, tt := range map[string]struct {
		situation, libraries string
		state                preflight.State
		says, remedy         string
	}{
		"all is well":            {"", libraries, preflight.OK, "Made-up card, " + drivertest.Card + ", compute capability 9.0, CUDA 13.0", ""},
		"no library":             {"", t.TempDir(), preflight.Failed, "load libcuda.so.1 fails", "libcuda.so.1 does not reach the process"},
		"no unified memory":      {"Init=999", libraries, preflight.Failed, "cuInit fails with 999: CUDA_ERROR_UNKNOWN", "nvidia-modprobe -u -c=0"},
		"no fabric manager":      {"Init=802", libraries, preflight.Failed, "cuInit fails with 802", "nvidia-fabricmanager"},
		"half an update":         {"Init=803", libraries, preflight.Failed, "cuInit fails with 803", "restart"},
		"no compiler":            {"ModuleLoadData=221", libraries, preflight.Failed, "cuModuleLoadData fails with 221", "libnvidia-ptxjitcompiler.so.1"},
		"exclusive mode":         {"DevicePrimaryCtxRetain=46", libraries, preflight.Failed, "cuDevicePrimaryCtxRetain fails with 46", "nvidia-smi -c 0"},
		"a code like no other":   {"LaunchKernel=719", libraries, preflight.Failed, "cuLaunchKernel fails with 719", "dmesg"},
		"it computes wrong":      {"wrong", libraries, preflight.Failed, "65535 of 65536 elements are wrong", "have it checked"},
		"another card":           {"other", libraries, preflight.Failed, "asked for " + drivertest.Card + ", the runner computes on GPU-8d3f0000-aaaa-bbbb-cccc-ddddeeeeff00", "report it"},
		"more than it was given": {"cards=2", libraries, preflight.Warning, "sees 2 cards instead of one", ""},
	} {
		t.Run(name, func(t *testing.T) {
			local := engine.NewLocal(append(os.Environ(), "LD_LIBRARY_PATH="+tt.libraries, "MADEUP_CUDA="+tt.situation))
			report := check(local, card, python).Run(t.Context())
			f := finding(t, report, "kernel")
			if f.State != tt.state || !strings.Contains(f.Text, tt.says) || !strings.Contains(f.Remedy, tt.remedy) || (tt.remedy == "") != (f.Remedy == "") {
				t.Errorf("the kernel is %+v, want %s, %q, %q", f, tt.state, tt.says, tt.remedy)
			}
		})
	}
}

func check(e engine.Engine, on device.Device, python string, runners ...preflight.Runner) preflight.Check {
	return preflight.Check{Launcher: &launch.Launcher{Engine: e, Threads: 1}, Device: on, Probe: engine.Spec{Command: []string{python}},
		Runners: runners, Say: func(string, ...any) {}}
}

func finding(t *testing.T, r preflight.Report, what string) preflight.Finding {
	t.Helper()
	for _, f := range r.Findings {
		if f.What == what {
			return f
		}
	}
	t.Fatalf("nothing is said of %q: %+v", what, r.Findings)
	return preflight.Finding{}
}

func TestAProcessThatDoesNotStart(t *testing.T) {
	report := check(engine.NewLocal(nil), device.CPU, "/no/such/python").Run(t.Context())
	if f := finding(t, report, "process"); f.State != preflight.Failed || !strings.Contains(f.Text, "no such file") || !strings.Contains(f.Remedy, "DLBENCH_PYTHON") {
		t.Errorf("the process is %+v", f)
	}
	if report.Facts != nil {
		t.Errorf("it told %+v", report.Facts)
	}
	report = check(engine.NewLocal(nil), device.CPU, "/bin/echo").Run(t.Context())
	if f := finding(t, report, "process"); f.State != preflight.Failed || !strings.Contains(f.Text, "the probe told nothing") {
		t.Errorf("a program that is no Python: %+v", f)
	}
}

// A limit that is too small for the pools of a machine's frameworks is found by
// trying, and so is a runner that cannot be started.
func TestLimitsAndRunners(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no Python here")
	}
	gone := preflight.Runner{Manifest: manifest.Manifest{Name: "gone"}, Absent: &engine.EnvironmentError{Text: "its image is not built", Hint: "dlbench images build gone"}}
	report := check(engine.NewLocal(os.Environ()), device.CPU, python, gone).Run(t.Context())
	if f := finding(t, report, "limits"); f.State != preflight.OK || report.Facts.Limits.ThreadsStarted < 64 {
		t.Errorf("limits are %+v, %+v", f, report.Facts.Limits)
	}
	if f := finding(t, report, "runner gone"); f.State != preflight.Missing || f.Remedy != "dlbench images build gone" {
		t.Errorf("the runner is %+v", f)
	}
	for _, f := range report.Findings {
		if f.What == "kernel" {
			t.Error("a kernel is looked for on the CPU")
		}
	}
}
