//go:build cgo && linux

package sample

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock"
)

// shared is a card on which one process computes and another draws.
func shared() *mock.Device {
	device := card()
	device.GetComputeRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) {
		return []nvml.ProcessInfo{{Pid: 700, UsedGpuMemory: math.MaxUint64}, {Pid: 42, UsedGpuMemory: 1 << 30}}, nvml.SUCCESS
	}
	device.GetGraphicsRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) {
		return []nvml.ProcessInfo{{Pid: 42, UsedGpuMemory: 1 << 30}, {Pid: 7, UsedGpuMemory: 5}}, nvml.SUCCESS
	}
	return device
}

func opened(t *testing.T, device *mock.Device) *nvmlDriver {
	t.Helper()
	library := driver(device)
	library.SystemGetProcessNameFunc = func(pid int) (string, nvml.Return) {
		if pid == 7 {
			return "", nvml.ERROR_NO_PERMISSION
		}
		return "python3", nvml.SUCCESS
	}
	d, err := openNVML(library)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestProcessesOfAGPU(t *testing.T) {
	device := shared()
	d := opened(t, device)
	got, err := d.Processes(0)
	want := []GPUProcess{{PID: 7, MemoryBytes: 5}, {PID: 42, Name: "python3", MemoryBytes: 1 << 30}, {PID: 700, Name: "python3"}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := d.Processes(1); err == nil || !strings.Contains(err.Error(), "GPU 1: the driver shows GPUs 0 to 0") {
		t.Errorf("got %v", err)
	}
	device.GetGraphicsRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) { return nil, nvml.ERROR_NOT_SUPPORTED }
	if got, err := d.Processes(0); err != nil || len(got) != 2 {
		t.Errorf("a card that cannot draw: %+v, %v", got, err)
	}
	device.GetComputeRunningProcessesFunc = func() ([]nvml.ProcessInfo, nvml.Return) { return nil, nvml.ERROR_NO_PERMISSION }
	if _, err := d.Processes(0); err == nil || !strings.Contains(err.Error(), "ask who computes on GPU 0: no permission") {
		t.Errorf("got %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Processes(0); !errors.Is(err, errClosed) {
		t.Errorf("a closed driver was asked: %v", err)
	}
}

func TestInstancesOfAGPU(t *testing.T) {
	device := card()
	mode := nvml.DEVICE_MIG_ENABLE
	asked := nvml.SUCCESS
	device.GetMigModeFunc = func() (int, int, nvml.Return) { return mode, mode, asked }
	device.GetMaxMigDeviceCountFunc = func() (int, nvml.Return) { return 3, nvml.SUCCESS }
	device.GetMigDeviceHandleByIndexFunc = func(i int) (nvml.Device, nvml.Return) {
		if i == 1 {
			return nil, nvml.ERROR_NOT_FOUND
		}
		return &mock.Device{GetUUIDFunc: func() (string, nvml.Return) { return "MIG-" + string(rune('a'+i)), nvml.SUCCESS }}, nvml.SUCCESS
	}
	d := opened(t, device)
	if uuids, split, err := d.Instances(0); err != nil || !split || !slices.Equal(uuids, []string{"MIG-a", "MIG-c"}) {
		t.Errorf("got %v, %v, %v", uuids, split, err)
	}
	mode = nvml.DEVICE_MIG_DISABLE
	if uuids, split, err := d.Instances(0); err != nil || split || uuids != nil {
		t.Errorf("a whole card: %v, %v, %v", uuids, split, err)
	}
	asked = nvml.ERROR_NOT_SUPPORTED
	if _, split, err := d.Instances(0); err != nil || split {
		t.Errorf("a card without MIG: %v, %v", split, err)
	}
	asked = nvml.ERROR_GPU_IS_LOST
	if _, _, err := d.Instances(0); err == nil || !strings.Contains(err.Error(), "ask whether MIG splits GPU 0: the GPU is lost") {
		t.Errorf("got %v", err)
	}
	device.GetMigModeFunc = nil // an old driver: the mock panics at a call
	d.library.(*mock.Interface).ExtensionsFunc = func() nvml.ExtendedInterface {
		return &mock.ExtendedInterface{LookupSymbolFunc: func(string) error { return errors.New("undefined symbol") }}
	}
	if _, split, err := d.Instances(0); err != nil || split {
		t.Errorf("a driver from before MIG: %v, %v", split, err)
	}
}
