//go:build cgo && linux

package sample

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// Processes are those that compute or draw on a GPU, each once, by PID. The
// driver shows those of all users and containers, where it may.
func (d *nvmlDriver) Processes(index int) ([]GPUProcess, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	device, err := d.device(index)
	if err != nil {
		return nil, err
	}
	computing, ret := device.GetComputeRunningProcesses()
	if ret != nvml.SUCCESS {
		return nil, fmt.Errorf("ask who computes on GPU %d: %w", index, nvmlError(ret))
	}
	drawing, ret := device.GetGraphicsRunningProcesses()
	if ret != nvml.SUCCESS && ret != nvml.ERROR_NOT_SUPPORTED { // cards for computing alone
		return nil, fmt.Errorf("ask who draws on GPU %d: %w", index, nvmlError(ret))
	}
	found := []GPUProcess{}
	for _, p := range append(computing, drawing...) {
		pid := int(p.Pid)
		if slices.ContainsFunc(found, func(other GPUProcess) bool { return other.PID == pid }) {
			continue
		}
		process := GPUProcess{PID: pid}
		if p.UsedGpuMemory <= math.MaxInt64 { // all ones: not available
			process.MemoryBytes = int64(p.UsedGpuMemory)
		}
		if name, ret := d.library.SystemGetProcessName(pid); ret == nvml.SUCCESS {
			process.Name = name
		}
		found = append(found, process)
	}
	slices.SortFunc(found, func(a, b GPUProcess) int { return cmp.Compare(a.PID, b.PID) })
	return found, nil
}

// Instances are the UUIDs of the parts that MIG splits a GPU into; split is
// false for a card that is whole.
func (d *nvmlDriver) Instances(index int) (uuids []string, split bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	device, err := d.device(index)
	if err != nil {
		return nil, false, err
	}
	if !d.has("nvmlDeviceGetMigMode") {
		return nil, false, nil // a driver from before MIG
	}
	mode, _, ret := device.GetMigMode()
	if ret == nvml.ERROR_NOT_SUPPORTED || ret == nvml.SUCCESS && mode != nvml.DEVICE_MIG_ENABLE {
		return nil, false, nil
	}
	if ret != nvml.SUCCESS {
		return nil, false, fmt.Errorf("ask whether MIG splits GPU %d: %w", index, nvmlError(ret))
	}
	most, ret := device.GetMaxMigDeviceCount()
	if ret != nvml.SUCCESS {
		return nil, true, fmt.Errorf("count the MIG instances of GPU %d: %w", index, nvmlError(ret))
	}
	for i := range most {
		instance, ret := device.GetMigDeviceHandleByIndex(i)
		if ret == nvml.ERROR_NOT_FOUND {
			continue // no instance takes this place
		}
		uuid := ""
		if ret == nvml.SUCCESS {
			uuid, ret = instance.GetUUID()
		}
		if ret != nvml.SUCCESS {
			return nil, true, fmt.Errorf("describe MIG instance %d of GPU %d: %w", i, index, nvmlError(ret))
		}
		uuids = append(uuids, uuid)
	}
	return uuids, true, nil
}

// device is one that may be asked; the driver is locked.
func (d *nvmlDriver) device(index int) (nvml.Device, error) {
	if index < 0 || index >= len(d.devices) {
		return nil, fmt.Errorf("GPU %d: the driver shows GPUs 0 to %d", index, len(d.devices)-1)
	}
	if d.library == nil {
		return nil, errClosed
	}
	return d.devices[index], nil
}
