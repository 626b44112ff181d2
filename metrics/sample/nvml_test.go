//go:build cgo && linux

package sample

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock"

	"github.com/dlbench/dlbench/metrics/record"
)

// driver is a library with one GPU of which everything can be asked.
func driver(device *mock.Device) *mock.Interface {
	return &mock.Interface{
		InitFunc:                   func() nvml.Return { return nvml.SUCCESS },
		ShutdownFunc:               func() nvml.Return { return nvml.SUCCESS },
		DeviceGetCountFunc:         func() (int, nvml.Return) { return 1, nvml.SUCCESS },
		SystemGetDriverVersionFunc: func() (string, nvml.Return) { return "570.1", nvml.SUCCESS },
		DeviceGetHandleByIndexFunc: func(int) (nvml.Device, nvml.Return) { return device, nvml.SUCCESS },
		ExtensionsFunc: func() nvml.ExtendedInterface {
			return &mock.ExtendedInterface{LookupSymbolFunc: func(string) error { return nil }}
		},
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
		GetPowerUsageFunc:                   func() (uint32, nvml.Return) { return 250_000, nvml.SUCCESS },
		GetClockInfoFunc:                    func(nvml.ClockType) (uint32, nvml.Return) { return 1980, nvml.SUCCESS },
		GetTemperatureFunc:                  func(nvml.TemperatureSensors) (uint32, nvml.Return) { return 61, nvml.SUCCESS },
		GetCurrentClocksThrottleReasonsFunc: func() (uint64, nvml.Return) { return nvml.ClocksThrottleReasonSwPowerCap, nvml.SUCCESS },
	}
}

// watch records a GPU over some passes, one second apart.
func watch(t *testing.T, library nvml.Interface, passes int) Recording {
	t.Helper()
	d, err := openNVML(library)
	if err != nil {
		t.Fatal(err)
	}
	source, err := d.Source(0)
	if err != nil {
		t.Fatal(err)
	}
	now := int64(0)
	s := NewSampler(Config{Sources: []Source{source}, Interval: time.Hour, Clock: func() int64 { now += 1e9; return now }})
	for range passes {
		s.pass(false)
	}
	return s.recording()
}

func TestGPU(t *testing.T) {
	device := card()
	library := driver(device)
	d, err := openNVML(library)
	if err != nil {
		t.Fatal(err)
	}
	want := record.GPU{Name: "H200", UUID: "GPU-1", MemoryBytes: 1000, Driver: "570.1", ComputeCapability: "9.0"}
	if cards := d.Cards(); len(cards) != 1 || cards[0] != want {
		t.Errorf("cards %+v", cards)
	}
	if _, err := d.Source(1); err == nil || !strings.Contains(err.Error(), "GPU 1: the driver shows GPUs 0 to 0") {
		t.Errorf("got %v", err)
	}
	if err := errors.Join(d.Close(), d.Close()); err != nil || len(library.ShutdownCalls()) != 1 {
		t.Errorf("%v, stopped %d times", err, len(library.ShutdownCalls()))
	}
	if _, err := d.Source(0); !errors.Is(err, errClosed) {
		t.Errorf("a closed driver gives a source: %v", err)
	}
}

func TestGPUSeries(t *testing.T) {
	got := watch(t, driver(card()), 4)
	if len(got.Missing) != 0 || len(got.Series) != 6 {
		t.Fatalf("got %+v", got)
	}
	want := map[string]float64{"gpu0_percent": 97, "gpu0_memory_bytes": 40, "gpu0_power_watts": 300, "gpu0_clock_mhz": 1980,
		"gpu0_temperature_celsius": 61, "gpu0_thermal_limit": 0}
	for _, s := range got.Series {
		if v := s.Values[len(s.Values)-1]; len(s.Values) != 4 || v < want[s.Name]-1e-6 || v > want[s.Name]+1e-6 {
			t.Errorf("%s is %v, expected %v", s.Name, s.Values, want[s.Name])
		}
	}
}

func TestHotGPU(t *testing.T) {
	device := card()
	device.GetCurrentClocksThrottleReasonsFunc = func() (uint64, nvml.Return) {
		return nvml.ClocksThrottleReasonHwThermalSlowdown | nvml.ClocksThrottleReasonSwPowerCap, nvml.SUCCESS
	}
	p := record.Process{Series: watch(t, driver(device), 1).Series}
	if s := p.SeriesNamed("gpu0_thermal_limit"); s == nil || s.Values[0] != 1 {
		t.Errorf("got %+v", s)
	}
}

func TestGPUWithoutAnEnergyCounter(t *testing.T) {
	device := card()
	device.GetTotalEnergyConsumptionFunc = func() (uint64, nvml.Return) { return 0, nvml.ERROR_NOT_SUPPORTED }
	p := record.Process{Series: watch(t, driver(device), 2).Series}
	if s := p.SeriesNamed("gpu0_power_watts"); s == nil || s.Values[0] != 250 {
		t.Errorf("got %+v", s)
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
	if n := len(device.GetTotalEnergyConsumptionCalls()) + len(device.GetCurrentClocksThrottleReasonsCalls()); n != 0 {
		t.Errorf("%d calls of functions that the driver lacks", n)
	}
	if got.Missing["gpu0_thermal_limit"] != errNoReason.Error() || len(got.Missing) != 1 || len(got.Series) != 5 {
		t.Errorf("got %+v", got)
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
	d, err := openNVML(driver(device))
	if err != nil {
		t.Fatal(err)
	}
	source, err := d.Source(0)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	before := len(device.GetMemoryInfoCalls())
	into := make([]Reading, len(source.Channels()))
	source.Read(into)
	if len(device.GetMemoryInfoCalls()) != before || !errors.Is(into[0].Err, errClosed) || !errors.Is(into[5].Err, errClosed) {
		t.Errorf("got %+v", into)
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
		if _, err := openNVML(library); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, expected %q", name, err, tt.want)
		}
	}
}

func TestDriverWithoutGPUs(t *testing.T) {
	library := driver(card())
	library.DeviceGetCountFunc = func() (int, nvml.Return) { return 0, nvml.SUCCESS }
	if _, err := openNVML(library); !errors.Is(err, ErrNoGPU) || len(library.ShutdownCalls()) != 1 {
		t.Errorf("got %v, stopped %d times", err, len(library.ShutdownCalls()))
	}
	library = driver(card())
	library.DeviceGetHandleByIndexFunc = func(int) (nvml.Device, nvml.Return) { return nil, nvml.ERROR_NO_PERMISSION }
	if _, err := openNVML(library); err == nil || !strings.Contains(err.Error(), "open GPU 0: no permission") {
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
	source, err := gpu.Source(0)
	if err != nil || len(gpu.Cards()) == 0 {
		t.Fatal(err)
	}
	into := make([]Reading, len(source.Channels()))
	source.Read(into)
	t.Logf("%+v: %+v", gpu.Cards(), into)
}
