//go:build cgo && linux

package sample

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock"

	"github.com/dlbench/dlbench/metrics/record"
)

// divided is a card that MIG divides: it refuses what NVIDIA's documentation
// says that such a card refuses. Its middle slot is empty.
func divided(parts ...*mock.Device) *mock.Device {
	device := card()
	device.GetUtilizationRatesFunc = func() (nvml.Utilization, nvml.Return) { return nvml.Utilization{}, nvml.ERROR_NOT_SUPPORTED }
	device.GetMigModeFunc = func() (int, int, nvml.Return) { return nvml.DEVICE_MIG_ENABLE, nvml.DEVICE_MIG_ENABLE, nvml.SUCCESS }
	device.GetMaxMigDeviceCountFunc = func() (int, nvml.Return) { return len(parts) + 1, nvml.SUCCESS }
	device.GetMigDeviceHandleByIndexFunc = func(slot int) (nvml.Device, nvml.Return) {
		switch {
		case slot == 1:
			return nil, nvml.ERROR_NOT_FOUND
		case slot > 1:
			slot--
		}
		return parts[slot], nvml.SUCCESS
	}
	return device
}

// part is a MIG device: the mock panics if it is asked for what only its card
// can tell.
func part(uuid string, bytes uint64) *mock.Device {
	return &mock.Device{
		GetNameFunc:             func() (string, nvml.Return) { return "H200 MIG 1g.18gb", nvml.SUCCESS },
		GetUUIDFunc:             func() (string, nvml.Return) { return uuid, nvml.SUCCESS },
		GetMemoryInfoFunc:       func() (nvml.Memory, nvml.Return) { return nvml.Memory{Total: bytes, Used: bytes / 2}, nvml.SUCCESS },
		GetUtilizationRatesFunc: func() (nvml.Utilization, nvml.Return) { return nvml.Utilization{}, nvml.ERROR_NOT_SUPPORTED },
		GetComputeRunningProcessesFunc: func() ([]nvml.ProcessInfo, nvml.Return) {
			return []nvml.ProcessInfo{{Pid: 9, UsedGpuMemory: bytes / 2}}, nvml.SUCCESS
		},
		GetGraphicsRunningProcessesFunc: func() ([]nvml.ProcessInfo, nvml.Return) { return nil, nvml.ERROR_NOT_SUPPORTED },
	}
}

func TestMIG(t *testing.T) {
	plain := card()
	plain.GetUUIDFunc = func() (string, nvml.Return) { return "GPU-2", nvml.SUCCESS }
	library := driver(divided(part("MIG-a", 180), part("MIG-b", 360)), plain)
	d := opened(t, library)
	cards := d.Cards()
	if len(cards) != 4 || !cards[0].MIG || cards[0].Parent != nil || cards[1].MIG || cards[1].UUID != "GPU-2" {
		t.Fatalf("cards %+v", cards)
	}
	for i, want := range []record.GPU{{Index: 2, UUID: "MIG-a", MemoryBytes: 180}, {Index: 3, UUID: "MIG-b", MemoryBytes: 360}} {
		got := cards[2+i]
		if got.Index != want.Index || got.UUID != want.UUID || got.MemoryBytes != want.MemoryBytes || got.Parent == nil || *got.Parent != 0 || got.Name != "H200 MIG 1g.18gb" ||
			got.ComputeCapability != "9.0" || got.Driver != "570.1" {
			t.Errorf("part %d is %+v", i, got)
		}
	}
	for uuid, want := range map[string]int{"GPU-1": 0, "GPU-2": 1, "MIG-b": 3} {
		if index, ok := d.Index(uuid); !ok || index != want {
			t.Errorf("%s is GPU %d, %v", uuid, index, ok)
		}
	}
	if _, ok := d.Index("GPU-3"); ok {
		t.Error("an unknown UUID is found")
	}
	processes, err := d.Processes(3)
	if err != nil || len(processes) != 1 || processes[0].PID != 9 || *processes[0].MemoryBytes != 180 {
		t.Errorf("processes %+v, %v", processes, err)
	}
}

// A divided card says why it has no utilization; what its parts do not meter is
// the whole card's.
func TestMIGSeries(t *testing.T) {
	whole := watch(t, driver(divided(part("MIG-a", 180))), 3, 0)
	if !strings.HasPrefix(whole.Missing["gpu0_percent"], "MIG is on: ") || len(whole.Missing) != 1 {
		t.Errorf("missing of the card: %v", whole.Missing)
	}
	got := watch(t, driver(divided(part("MIG-a", 180))), 3, 1)
	if !strings.HasPrefix(got.Missing["gpu1_percent"], "MIG is on: ") || len(got.Missing) != 1 {
		t.Errorf("missing of the part: %v", got.Missing)
	}
	p := record.Process{Series: got.Series}
	for name, want := range map[string]float64{"gpu1_memory_bytes": 90, "gpu1_power_watts": 300, "gpu1_clock_mhz": 1980, "gpu1_temperature_celsius": 61, "gpu1_other_processes": 1} {
		if s := p.SeriesNamed(name); s == nil || s.Values[len(s.Values)-1] < want-1e-6 || s.Values[len(s.Values)-1] > want+1e-6 {
			t.Errorf("%s is %+v, expected %v", name, s, want)
		}
	}
}

func TestMIGDeviceThatCannotBeRead(t *testing.T) {
	broken := part("MIG-a", 180)
	broken.GetUUIDFunc = func() (string, nvml.Return) { return "", nvml.ERROR_NO_PERMISSION }
	d := opened(t, driver(divided(broken, part("MIG-b", 360))))
	if cards := d.Cards(); len(cards) != 2 || cards[1].UUID != "MIG-b" || cards[1].Index != 2 {
		t.Errorf("cards %+v", cards)
	}
	if err := d.Unreadable(); err == nil || !strings.Contains(err.Error(), "describe MIG device 0 of GPU 0: no permission") {
		t.Errorf("got %v", err)
	}
}

// A card that falls off the bus while it is watched ends its own series, at
// whichever question it is noticed, and no other card's.
func TestOneOfTwoGPUsIsLost(t *testing.T) {
	gone, stays := card(), card()
	asked := 0
	gone.GetTemperatureFunc = func(nvml.TemperatureSensors) (uint32, nvml.Return) {
		if asked++; asked > 2 {
			return 0, nvml.ERROR_GPU_IS_LOST
		}
		return 50, nvml.SUCCESS
	}
	got := watch(t, driver(gone, stays), 6, 0, 1)
	p := record.Process{Series: got.Series}
	for name, n := range map[string]int{"gpu0_temperature_celsius": 2, "gpu0_percent": 3, "gpu0_thermal_limit": 2, "gpu0_pcie_width": 2,
		"gpu1_temperature_celsius": 6, "gpu1_percent": 6, "gpu1_pcie_width": 6} {
		if s := p.SeriesNamed(name); s == nil || len(s.Values) != n {
			t.Errorf("%s has %+v, expected %d values", name, s, n)
		}
	}
	if asked != 3 || len(gone.GetUtilizationRatesCalls()) != 3 {
		t.Errorf("a lost card was asked on: %d and %d times", asked, len(gone.GetUtilizationRatesCalls()))
	}
	for name, reason := range got.Missing {
		if !strings.HasPrefix(name, "gpu0_") || !strings.Contains(reason, "the GPU is lost") {
			t.Errorf("%s: %s", name, reason)
		}
	}
	if len(got.Missing) != 16 {
		t.Errorf("missing %v", got.Missing)
	}
}

func TestACardThatCannotBeReadHidesNoOther(t *testing.T) {
	bad, good := card(), card()
	bad.GetNameFunc = func() (string, nvml.Return) { return "", nvml.ERROR_GPU_IS_LOST }
	d := opened(t, driver(bad, good))
	if cards := d.Cards(); len(cards) != 1 || cards[0].Index != 1 {
		t.Errorf("cards %+v", cards)
	}
	if err := d.Unreadable(); err == nil || !strings.Contains(err.Error(), "describe GPU 0: the GPU is lost") {
		t.Errorf("got %v", err)
	}
	if _, err := d.Sources(0, Target{}); err == nil || !strings.Contains(err.Error(), "the GPU is lost") {
		t.Errorf("got %v", err)
	}
	if _, err := d.Sources(1, Target{}); err != nil {
		t.Error(err)
	}
}

// Without a driver every figure has the reason.
func TestWithoutADriverEveryFigureHasTheReason(t *testing.T) {
	for name, sources := range map[string][]Source{
		"no driver": GPUSources(nil, ErrNoDriver, 1, Target{}),
		"no card":   GPUSources(opened(t, driver(card())), nil, 1, Target{}),
	} {
		p := &record.Process{}
		s := NewSampler(Config{Sources: sources})
		s.pass(false)
		s.recording().AddTo(p)
		missing := p.Missing
		want := map[string]string{"no driver": ErrNoDriver.Error(), "no card": "GPU 1: the driver shows GPUs 0 to 0"}[name]
		if len(missing) != 16 || len(p.Series) != 0 || missing["gpu1_percent"] != want || missing["gpu1_pcie_width"] != want {
			t.Errorf("%s: %d series, missing %v", name, len(p.Series), missing)
		}
	}
}

// proc describes processes as the kernel does.
func proc(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, "proc", name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestProcessesOnAGPU(t *testing.T) {
	device := card()
	device.GetComputeRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) {
		return []nvml.ProcessInfo{{Pid: 40, UsedGpuMemory: 7 << 30}, {Pid: 20, UsedGpuMemory: notAvailable}}, nvml.SUCCESS
	}
	device.GetGraphicsRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) {
		return []nvml.ProcessInfo{{Pid: 30, UsedGpuMemory: 1 << 20}, {Pid: 40, UsedGpuMemory: 7 << 30}}, nvml.SUCCESS
	}
	root := proc(t, map[string]string{"20/comm": "python3\n", "30/comm": "Xorg\n",
		"20/cgroup": "0::/machine/runner-1/inner\n", "30/cgroup": "0::/user\n", "40/cgroup": "0::/machine/runner-10\n",
		"20/stat": "20 (py) thon3) S 11 20", "11/stat": "11 (sh) S 10 11", "10/stat": "10 (sh) S 1 10", "30/stat": "30 (Xorg) S 1 30"})
	d, err := openNVML(driver(device), root)
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.Processes(0)
	if err != nil || len(got) != 3 {
		t.Fatalf("got %+v, %v", got, err)
	}
	if got[0].PID != 20 || got[0].Name != "python3" || got[0].MemoryBytes != nil {
		t.Errorf("the first is %+v", got[0])
	}
	if got[1].PID != 30 || got[1].Name != "Xorg" || *got[1].MemoryBytes != 1<<20 || got[2].PID != 40 || got[2].Name != "" {
		t.Errorf("the others are %+v", got[1:])
	}
	for name, tt := range map[string]struct {
		target Target
		want   []int
	}{
		"a control group":  {Target{PID: 10, Cgroup: "/machine/runner-1"}, []int{30, 40}},
		"a process":        {Target{PID: 10}, []int{30, 40}},
		"another process":  {Target{PID: 99}, []int{20, 30, 40}},
		"nobody, as ahead": {Target{}, []int{20, 30, 40}},
	} {
		var pids []int
		for _, p := range Others(root, tt.target, got) {
			pids = append(pids, p.PID)
		}
		if !slices.Equal(pids, tt.want) {
			t.Errorf("%s: %v are others, expected %v", name, pids, tt.want)
		}
	}
}

func TestProcessesCannotBeListed(t *testing.T) {
	device := card()
	device.GetComputeRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) { return nil, nvml.ERROR_NO_PERMISSION }
	if got, err := opened(t, driver(device)).Processes(0); err == nil || !strings.Contains(err.Error(), "list the processes on GPU 0: no permission") {
		t.Errorf("got %v, %v", got, err)
	}
	if got := watch(t, driver(device), 1); !strings.Contains(got.Missing["gpu0_other_processes"], "no permission") {
		t.Errorf("missing %v", got.Missing)
	}
	device = card()
	device.GetGraphicsRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) { return nil, nvml.ERROR_UNKNOWN }
	if got, err := opened(t, driver(device)).Processes(0); err == nil {
		t.Errorf("half a list: %v", got)
	}
}

// Of a runner that nobody knows, every process would be another's.
func TestOthersNeedARunner(t *testing.T) {
	device := card()
	d := opened(t, driver(device))
	s := NewSampler(Config{Sources: GPUSources(d, nil, 0, Target{})})
	s.pass(false)
	if got := s.recording(); got.Missing["gpu0_other_processes"] == "" || len(device.GetComputeRunningProcessesCalls()) != 0 {
		t.Errorf("missing %v", got.Missing)
	}
}

// Where the driver's process numbers are not this namespace's, the runner would
// count as another's: the figure is missing, and no name is made up.
func TestProcessNumbersOfAnotherNamespace(t *testing.T) {
	device := card()
	device.GetComputeRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) { return []nvml.ProcessInfo{{Pid: 20}}, nvml.SUCCESS }
	watched := func(root string) Recording {
		d, err := openNVML(driver(device), root)
		if err != nil {
			t.Fatal(err)
		}
		s := NewSampler(Config{Sources: GPUSources(d, nil, 0, Target{PID: 7})})
		s.pass(false)
		processes, err := d.Processes(0)
		if err != nil || len(processes) != 1 || processes[0].PID != 20 || (processes[0].Name != "") != (filepath.Base(root) == "initial") {
			t.Errorf("%s: processes %+v, %v", root, processes, err)
		}
		return s.recording()
	}
	for name, namespace := range map[string]string{"initial": "pid:[4026531836]", "container": "pid:[4026532571]"} {
		root := filepath.Join(t.TempDir(), name)
		if err := errors.Join(os.MkdirAll(filepath.Join(root, "proc/self/ns"), 0o755), os.MkdirAll(filepath.Join(root, "proc/20"), 0o755),
			os.Symlink(namespace, filepath.Join(root, "proc/self/ns/pid")), os.WriteFile(filepath.Join(root, "proc/20/comm"), []byte("Xorg\n"), 0o644)); err != nil {
			t.Fatal(err)
		}
		reason := watched(root).Missing["gpu0_other_processes"]
		if (name == "container") != strings.Contains(reason, "PID namespace of its own") {
			t.Errorf("%s: the reason is %q", name, reason)
		}
	}
}

// Some virtualised drivers list processes without their numbers.
func TestProcessesWithoutNumbers(t *testing.T) {
	device := card()
	device.GetComputeRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) { return []nvml.ProcessInfo{{}, {}}, nvml.SUCCESS }
	if got := watch(t, driver(device), 1); !strings.Contains(got.Missing["gpu0_other_processes"], "does not tell the numbers") {
		t.Errorf("missing %v", got.Missing)
	}
	if got, err := opened(t, driver(device)).Processes(0); err != nil || len(got) != 2 {
		t.Errorf("two processes are %+v, %v", got, err)
	}
}
