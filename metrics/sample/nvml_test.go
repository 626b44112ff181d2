//go:build cgo && linux

package sample

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock"

	"github.com/dlbench/dlbench/metrics/record"
)

// driver is a library of GPUs of which everything can be asked.
func driver(devices ...*mock.Device) *mock.Interface {
	return &mock.Interface{
		InitFunc:                          func() nvml.Return { return nvml.SUCCESS },
		ShutdownFunc:                      func() nvml.Return { return nvml.SUCCESS },
		DeviceGetCountFunc:                func() (int, nvml.Return) { return len(devices), nvml.SUCCESS },
		SystemGetDriverVersionFunc:        func() (string, nvml.Return) { return "570.1", nvml.SUCCESS },
		SystemGetCudaDriverVersion_v2Func: func() (int, nvml.Return) { return 12080, nvml.SUCCESS },
		DeviceGetHandleByIndexFunc:        func(i int) (nvml.Device, nvml.Return) { return devices[i], nvml.SUCCESS },
		ExtensionsFunc: func() nvml.ExtendedInterface {
			return &mock.ExtendedInterface{LookupSymbolFunc: lacks("nvmlDeviceGetTemperatureV")} // its answer cannot be mocked
		},
	}
}

// lacks is a library's lookup that finds all functions but some.
func lacks(functions ...string) func(string) error {
	return func(name string) error {
		if slices.Contains(functions, name) {
			return errors.New("undefined symbol")
		}
		return nil
	}
}

// card uses 300 J a second, of its energy counter and of its power.
func card() *mock.Device {
	millijoules := uint64(1e6)
	return &mock.Device{
		GetNameFunc:                  func() (string, nvml.Return) { return "H200", nvml.SUCCESS },
		GetUUIDFunc:                  func() (string, nvml.Return) { return "GPU-1", nvml.SUCCESS },
		GetMemoryInfoFunc:            func() (nvml.Memory, nvml.Return) { return nvml.Memory{Total: 1000, Used: 40}, nvml.SUCCESS },
		GetCudaComputeCapabilityFunc: func() (int, int, nvml.Return) { return 9, 0, nvml.SUCCESS },
		GetUtilizationRatesFunc:      func() (nvml.Utilization, nvml.Return) { return nvml.Utilization{Gpu: 97, Memory: 3}, nvml.SUCCESS },
		GetTotalEnergyConsumptionFunc: func() (uint64, nvml.Return) {
			millijoules += 300_000
			return millijoules, nvml.SUCCESS
		},
		GetPowerUsageFunc: func() (uint32, nvml.Return) { return 250_000, nvml.SUCCESS },
		GetClockInfoFunc: func(clock nvml.ClockType) (uint32, nvml.Return) {
			return map[nvml.ClockType]uint32{nvml.CLOCK_SM: 1980, nvml.CLOCK_MEM: 2619}[clock], nvml.SUCCESS
		},
		GetTemperatureFunc:               func(nvml.TemperatureSensors) (uint32, nvml.Return) { return 61, nvml.SUCCESS },
		GetCurrentClocksEventReasonsFunc: func() (uint64, nvml.Return) { return nvml.ClocksThrottleReasonGpuIdle, nvml.SUCCESS },
		GetMaxPcieLinkGenerationFunc:     func() (int, nvml.Return) { return 5, nvml.SUCCESS },
		GetMaxPcieLinkWidthFunc:          func() (int, nvml.Return) { return 16, nvml.SUCCESS },
		GetCurrPcieLinkGenerationFunc:    func() (int, nvml.Return) { return 4, nvml.SUCCESS },
		GetCurrPcieLinkWidthFunc:         func() (int, nvml.Return) { return 8, nvml.SUCCESS },
		GetPcieReplayCounterFunc:         func() (int, nvml.Return) { return 3, nvml.SUCCESS },
		GetTotalEccErrorsFunc: func(kind nvml.MemoryErrorType, since nvml.EccCounterType) (uint64, nvml.Return) {
			if kind != nvml.MEMORY_ERROR_TYPE_UNCORRECTED || since != nvml.VOLATILE_ECC {
				return 99, nvml.SUCCESS
			}
			return 2, nvml.SUCCESS
		},
		GetMigModeFunc:                  func() (int, int, nvml.Return) { return nvml.DEVICE_MIG_DISABLE, 0, nvml.SUCCESS },
		GetComputeRunningProcessesFunc:  func() ([]nvml.ProcessInfo, nvml.Return) { return nil, nvml.SUCCESS },
		GetGraphicsRunningProcessesFunc: func() ([]nvml.ProcessInfo, nvml.Return) { return nil, nvml.SUCCESS },
	}
}

// opened is a driver whose processes nobody knows.
func opened(t *testing.T, library nvml.Interface) *nvmlDriver {
	t.Helper()
	d, err := openNVML(library, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// watch records GPUs, the first one if none is named, over some passes, one
// second apart.
func watch(t *testing.T, library nvml.Interface, passes int, indices ...int) Recording {
	t.Helper()
	d := opened(t, library)
	if len(indices) == 0 {
		indices = []int{0}
	}
	var sources []Source
	for _, index := range indices {
		sources = append(sources, GPUSources(d, nil, index, Target{PID: 7})...)
	}
	now := int64(0)
	s := NewSampler(Config{Sources: sources, Interval: time.Hour, Clock: func() int64 { return now }})
	for range passes {
		now += 1e9
		s.pass(false)
	}
	return s.recording()
}

func TestGPU(t *testing.T) {
	library := driver(card())
	d := opened(t, library)
	want := record.GPU{Name: "H200", UUID: "GPU-1", MemoryBytes: 1000, Driver: "570.1", CUDA: "12.8", ComputeCapability: "9.0", PCIeGenerationMax: 5, PCIeWidthMax: 16}
	if cards := d.Cards(); len(cards) != 1 || cards[0] != want || d.Unreadable() != nil {
		t.Errorf("cards %+v, %v", cards, d.Unreadable())
	}
	if _, err := d.Sources(1, Target{}); err == nil || !strings.Contains(err.Error(), "GPU 1: the driver shows GPUs 0 to 0") {
		t.Errorf("got %v", err)
	}
	if err := errors.Join(d.Close(), d.Close()); err != nil || len(library.ShutdownCalls()) != 1 {
		t.Errorf("%v, stopped %d times", err, len(library.ShutdownCalls()))
	}
	if _, err := d.Sources(0, Target{}); !errors.Is(err, errClosed) {
		t.Errorf("a closed driver gives sources: %v", err)
	}
	if _, err := d.Processes(0); !errors.Is(err, errClosed) {
		t.Errorf("a closed driver lists processes: %v", err)
	}
}

func TestGPUSeries(t *testing.T) {
	device := card()
	got := watch(t, driver(device), 4)
	want := map[string]float64{"gpu0_percent": 97, "gpu0_memory_bytes": 40, "gpu0_power_watts": 300, "gpu0_clock_mhz": 1980, "gpu0_memory_clock_mhz": 2619,
		"gpu0_temperature_celsius": 61, "gpu0_thermal_limit": 0, "gpu0_power_cap": 0, "gpu0_power_brake": 0, "gpu0_hardware_slowdown": 0,
		"gpu0_pcie_generation": 4, "gpu0_pcie_width": 8, "gpu0_pcie_replays": 3, "gpu0_ecc_uncorrected": 2, "gpu0_other_processes": 0,
		"gpu0_energy_joules": 1000 + 6*300} // two readings to see that there is a counter that moves, four to sample it
	if len(got.Missing) != 0 || len(got.Series) != len(want) {
		t.Fatalf("got %+v", got)
	}
	for _, s := range got.Series {
		if v := s.Values[len(s.Values)-1]; len(s.Values) != 4 || v < want[s.Name]-1e-6 || v > want[s.Name]+1e-6 {
			t.Errorf("%s is %v, expected %v", s.Name, s.Values, want[s.Name])
		}
	}
	if n := len(device.GetPcieThroughputCalls()); n != 0 {
		t.Errorf("the sampler waited for %d measurements of the link", n)
	}
}

// The driver renews its figures no more often, and asking disturbs.
func TestGPUIsNotAskedOften(t *testing.T) {
	device := card()
	d := opened(t, driver(device))
	now := int64(0)
	s := NewSampler(Config{Sources: GPUSources(d, nil, 0, Target{PID: 7}), Clock: func() int64 { return now }})
	for ; now < 2e9; now += 1e7 {
		s.pass(false)
	}
	if load, link := len(device.GetUtilizationRatesCalls()), len(device.GetCurrPcieLinkWidthCalls()); load != 10 || link != 2 {
		t.Errorf("asked for the load %d times and for the link %d times in 2 s", load, link)
	}
}

// What holds the clocks down is told apart. The driver says that the hardware
// slows down beside the hardware's reason.
func TestThrottledGPU(t *testing.T) {
	const heat, cap, brake, hardware = "gpu0_thermal_limit", "gpu0_power_cap", "gpu0_power_brake", "gpu0_hardware_slowdown"
	for name, tt := range map[string]struct {
		reasons uint64
		want    []string
	}{
		"idle":               {nvml.ClocksThrottleReasonGpuIdle, nil},
		"as somebody asked":  {nvml.ClocksThrottleReasonApplicationsClocksSetting | nvml.ClocksThrottleReasonSyncBoost, nil},
		"software's heat":    {nvml.ClocksThrottleReasonSwThermalSlowdown, []string{heat}},
		"hardware's heat":    {nvml.ClocksThrottleReasonHwThermalSlowdown | nvml.ClocksThrottleReasonHwSlowdown, []string{heat}},
		"a power cap":        {nvml.ClocksThrottleReasonSwPowerCap, []string{cap}},
		"the power supply":   {nvml.ClocksThrottleReasonHwPowerBrakeSlowdown | nvml.ClocksThrottleReasonHwSlowdown, []string{brake}},
		"hardware, unnamed":  {nvml.ClocksThrottleReasonHwSlowdown, []string{hardware}},
		"heat and power cap": {nvml.ClocksThrottleReasonHwThermalSlowdown | nvml.ClocksThrottleReasonSwPowerCap, []string{heat, cap}},
	} {
		device := card()
		device.GetCurrentClocksEventReasonsFunc = func() (uint64, nvml.Return) { return tt.reasons, nvml.SUCCESS }
		p := record.Process{Series: watch(t, driver(device), 1).Series}
		for _, series := range []string{heat, cap, brake, hardware} {
			held := 0.0
			if slices.Contains(tt.want, series) {
				held = 1
			}
			if s := p.SeriesNamed(series); s == nil || s.Values[0] != held {
				t.Errorf("%s: %s is %+v, expected %v", name, series, s, held)
			}
		}
	}
}

func TestGPUWithoutAnEnergyCounter(t *testing.T) {
	device := card()
	device.GetTotalEnergyConsumptionFunc = func() (uint64, nvml.Return) { return 0, nvml.ERROR_NOT_SUPPORTED }
	got := watch(t, driver(device), 2)
	p := record.Process{Series: got.Series}
	if s := p.SeriesNamed("gpu0_power_watts"); s == nil || s.Values[0] != 250 {
		t.Errorf("got %+v", s)
	}
	if p.SeriesNamed("gpu0_energy_joules") != nil || got.Missing["gpu0_energy_joules"] != "this GPU does not tell" || len(got.Missing) != 1 {
		t.Errorf("missing %v", got.Missing)
	}
}

// A function that an old driver lacks must not be called: that would end the
// process.
func TestOldDriver(t *testing.T) {
	device := card()
	library := driver(device)
	library.ExtensionsFunc = func() nvml.ExtendedInterface {
		return &mock.ExtendedInterface{LookupSymbolFunc: func(string) error { return errors.New("undefined symbol") }}
	}
	got := watch(t, library, 2)
	for function, calls := range map[string]int{"energy": len(device.GetTotalEnergyConsumptionCalls()), "reasons": len(device.GetCurrentClocksThrottleReasonsCalls()) + len(device.GetCurrentClocksEventReasonsCalls()), "load": len(device.GetUtilizationRatesCalls()),
		"temperature": len(device.GetTemperatureCalls()), "power": len(device.GetPowerUsageCalls()), "clocks": len(device.GetClockInfoCalls()),
		"MIG": len(device.GetMigModeCalls()), "link": len(device.GetCurrPcieLinkWidthCalls()), "most of the link": len(device.GetMaxPcieLinkWidthCalls()),
		"replays": len(device.GetPcieReplayCounterCalls()), "ECC": len(device.GetTotalEccErrorsCalls()), "processes": len(device.GetComputeRunningProcessesCalls())} {
		if calls != 0 {
			t.Errorf("%s: %d calls of a function that the driver lacks", function, calls)
		}
	}
	if len(got.Missing) != 16 || len(got.Series) != 0 {
		t.Errorf("missing %v", got.Missing)
	}
	for name, reason := range got.Missing {
		if !strings.Contains(reason, "the NVIDIA driver is too old to tell: it lacks nvmlDeviceGet") {
			t.Errorf("%s: %s", name, reason)
		}
	}
}

// What NVIDIA renamed is asked by its old name where the library has no other.
func TestRenamedFunctions(t *testing.T) {
	device := card()
	device.GetCurrentClocksEventReasonsFunc = nil
	device.GetCurrentClocksThrottleReasonsFunc = func() (uint64, nvml.Return) { return nvml.ClocksThrottleReasonSwPowerCap, nvml.SUCCESS }
	library := driver(device)
	library.ExtensionsFunc = func() nvml.ExtendedInterface {
		return &mock.ExtendedInterface{LookupSymbolFunc: lacks("nvmlDeviceGetTemperatureV", "nvmlDeviceGetCurrentClocksEventReasons")}
	}
	p := record.Process{Series: watch(t, library, 1).Series}
	if s := p.SeriesNamed("gpu0_power_cap"); s == nil || s.Values[0] != 1 {
		t.Errorf("the power cap is %+v", s)
	}
}

// A counter that never moves is not a power of 0 W.
func TestAnEnergyCounterThatStandsStill(t *testing.T) {
	device := card()
	device.GetTotalEnergyConsumptionFunc = func() (uint64, nvml.Return) { return 12345, nvml.SUCCESS }
	d := opened(t, driver(device))
	d.patience = 20 * time.Millisecond
	s := NewSampler(Config{Sources: GPUSources(d, nil, 0, Target{PID: 7}), Clock: func() int64 { return 1 }})
	s.pass(false)
	got := s.recording()
	p := record.Process{Series: got.Series}
	if power := p.SeriesNamed("gpu0_power_watts"); power == nil || power.Values[0] != 250 {
		t.Errorf("the power is %+v, expected what the driver calls the power", power)
	}
	if p.SeriesNamed("gpu0_energy_joules") != nil || got.Missing["gpu0_energy_joules"] != "the GPU's energy counter stands still" {
		t.Errorf("missing %v", got.Missing)
	}
	asked := len(device.GetTotalEnergyConsumptionCalls())
	if GPUSources(d, nil, 0, Target{PID: 7}); len(device.GetTotalEnergyConsumptionCalls()) != asked {
		t.Error("the next process waits for the counter again")
	}
}

// A card that shares the processor's memory is a card like others.
func TestACardThatDoesNotTellItsMemory(t *testing.T) {
	device := card()
	device.GetMemoryInfoFunc = func() (nvml.Memory, nvml.Return) { return nvml.Memory{}, nvml.ERROR_NOT_SUPPORTED }
	library := driver(device)
	if d := opened(t, library); len(d.Cards()) != 1 || d.Cards()[0].UUID != "GPU-1" || d.Cards()[0].MemoryBytes != 0 || d.Unreadable() != nil {
		t.Errorf("cards %+v, %v", d.Cards(), d.Unreadable())
	}
	if got := watch(t, library, 1); got.Missing["gpu0_memory_bytes"] != "this GPU does not tell" || len(got.Missing) != 1 {
		t.Errorf("missing %v", got.Missing)
	}
}

func TestEachUnreadableCardHasItsReason(t *testing.T) {
	library := driver(card(), card(), card())
	able := library.DeviceGetHandleByIndexFunc
	library.DeviceGetHandleByIndexFunc = func(i int) (nvml.Device, nvml.Return) {
		if i < 2 {
			return nil, []nvml.Return{nvml.ERROR_NO_PERMISSION, nvml.ERROR_GPU_IS_LOST}[i]
		}
		return able(i)
	}
	d := opened(t, library)
	cards := UnreadableCards(d.Unreadable())
	if len(cards) != 2 || cards[0].Card != "GPU 0" || !errors.Is(cards[0], ErrNoPermission) || cards[1].Card != "GPU 1" || !errors.Is(cards[1], ErrGPULost) {
		t.Errorf("unreadable are %+v", cards)
	}
	if len(d.Cards()) != 1 || d.Cards()[0].Index != 2 {
		t.Errorf("cards are %+v", d.Cards())
	}
}

func TestGPULostMidRun(t *testing.T) {
	device := card()
	reads := 0
	device.GetUtilizationRatesFunc = func() (nvml.Utilization, nvml.Return) {
		if reads++; reads > 2 {
			return nvml.Utilization{}, nvml.ERROR_GPU_IS_LOST
		}
		return nvml.Utilization{Gpu: 50}, nvml.SUCCESS
	}
	got := watch(t, driver(device), 6)
	if reads != 3 {
		t.Errorf("a lost GPU was asked %d times more", reads-3)
	}
	p := record.Process{Series: got.Series}
	if s := p.SeriesNamed("gpu0_percent"); s == nil || len(s.Values) != 2 || s.Values[1] != 50 {
		t.Errorf("what was seen before: %+v", s)
	}
	if !strings.Contains(got.Missing["gpu0_percent"], "the GPU is lost") || !strings.Contains(got.Missing["gpu0_power_watts"], "the GPU is lost") {
		t.Errorf("missing %v", got.Missing)
	}
}

func TestGPUWithoutPermission(t *testing.T) {
	device := card()
	device.GetUtilizationRatesFunc = func() (nvml.Utilization, nvml.Return) { return nvml.Utilization{}, nvml.ERROR_NO_PERMISSION }
	device.GetClockInfoFunc = func(nvml.ClockType) (uint32, nvml.Return) { return 0, nvml.ERROR_NOT_SUPPORTED }
	got := watch(t, driver(device), 2)
	if got.Missing["gpu0_percent"] != "no permission to ask the NVIDIA driver" || got.Missing["gpu0_clock_mhz"] != "this GPU does not tell" {
		t.Errorf("missing %v", got.Missing)
	}
	if p := (&record.Process{Series: got.Series}); p.SeriesNamed("gpu0_percent") != nil || p.SeriesNamed("gpu0_memory_bytes") == nil {
		t.Errorf("series %+v", got.Series)
	}
}

func TestNothingIsAskedAfterClose(t *testing.T) {
	device := card()
	d := opened(t, driver(device))
	sources := GPUSources(d, nil, 0, Target{PID: 7})
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	before := len(device.GetMemoryInfoCalls())
	for _, source := range sources {
		into := make([]Reading, len(source.Channels()))
		source.Read(into)
		for i, r := range into {
			if !errors.Is(r.Err, errClosed) {
				t.Errorf("%s: %+v", source.Channels()[i].Name, r)
			}
		}
	}
	if len(device.GetMemoryInfoCalls()) != before {
		t.Error("asked after the driver was stopped")
	}
}

// NVML must not be called before it was started, and not when that failed: the
// mock panics at every function that a test did not set.
func TestNoDriver(t *testing.T) {
	for name, tt := range map[string]struct {
		ret  nvml.Return
		want string
	}{
		"no library":        {nvml.ERROR_LIBRARY_NOT_FOUND, "NVIDIA driver library not found (libnvidia-ml.so.1)"},
		"driver not loaded": {nvml.ERROR_DRIVER_NOT_LOADED, "start NVML: the NVIDIA driver is not loaded"},
		"no permission":     {nvml.ERROR_NO_PERMISSION, "start NVML: no permission"},
		"half an update":    {nvml.ERROR_LIB_RM_VERSION_MISMATCH, "differ in version"},
		"anything else":     {nvml.ERROR_UNKNOWN, "start NVML: NVML answers 999"},
	} {
		library := &mock.Interface{InitFunc: func() nvml.Return { return tt.ret }}
		if _, err := openNVML(library, "/"); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, expected %q", name, err, tt.want)
		}
	}
}

func TestDriverWithoutGPUs(t *testing.T) {
	library := driver(card())
	library.DeviceGetCountFunc = func() (int, nvml.Return) { return 0, nvml.SUCCESS }
	if _, err := openNVML(library, "/"); !errors.Is(err, ErrNoGPU) || len(library.ShutdownCalls()) != 1 {
		t.Errorf("got %v, stopped %d times", err, len(library.ShutdownCalls()))
	}
	library = driver(card())
	library.DeviceGetHandleByIndexFunc = func(int) (nvml.Device, nvml.Return) { return nil, nvml.ERROR_NO_PERMISSION }
	if _, err := openNVML(library, "/"); err == nil || !strings.Contains(err.Error(), "open GPU 0: no permission") {
		t.Errorf("got %v", err)
	}
}

// On a machine without a driver the real library must be refused quietly; with
// one it must show a card.
func TestThisMachinesDriver(t *testing.T) {
	gpu, err := OpenGPU()
	if err != nil {
		if gpu != nil || err.Error() == "" {
			t.Errorf("got %v, %v", gpu, err)
		}
		t.Logf("no GPU here: %v", err)
		return
	}
	defer func() {
		if err := gpu.Close(); err != nil {
			t.Error(err)
		}
	}()
	sources, err := gpu.Sources(0, Target{PID: os.Getpid()})
	if err != nil || len(gpu.Cards()) == 0 {
		t.Fatal(err)
	}
	for _, source := range sources {
		into := make([]Reading, len(source.Channels()))
		source.Read(into)
		t.Logf("%+v: %+v", gpu.Cards(), into)
	}
}
