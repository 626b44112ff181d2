//go:build cgo && linux

package sample

import (
	"errors"
	"fmt"
	"slices"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/dlbench/dlbench/metrics/record"
)

// nvmlCard is a card of the driver, or a MIG device of one.
type nvmlCard struct {
	record.GPU
	device     nvml.Device
	whole      *nvmlCard // of a MIG device, its card; of a card, itself
	unreadable error
	lost       error   // of the whole card: why it is not asked any more
	energy     *energy // of the whole card: what is known of its counter
}

// open describes a card.
func (d *nvmlDriver) open(index int, driver, cuda string) *nvmlCard {
	c := &nvmlCard{GPU: record.GPU{Index: index, Driver: driver, CUDA: cuda}}
	c.whole = c
	device, ret := d.library.DeviceGetHandleByIndex(index)
	if ret != nvml.SUCCESS {
		c.unreadable = &CardError{fmt.Sprintf("GPU %d", index), "open", nvmlError(ret)}
		return c
	}
	c.device = device
	if err := c.describe(); err != nil {
		c.unreadable = &CardError{fmt.Sprintf("GPU %d", index), "describe", err}
		return c
	}
	if d.has("nvmlDeviceGetMaxPcieLinkGeneration") && d.has("nvmlDeviceGetMaxPcieLinkWidth") {
		generation, told := device.GetMaxPcieLinkGeneration()
		width, too := device.GetMaxPcieLinkWidth()
		if told == nvml.SUCCESS && too == nvml.SUCCESS {
			c.PCIeGenerationMax, c.PCIeWidthMax = generation, width
		}
	}
	return c
}

func (c *nvmlCard) describe() error {
	name, named := c.device.GetName()
	uuid, identified := c.device.GetUUID()
	memory, sized := memoryOf(c.device)
	major, minor, able := c.device.GetCudaComputeCapability()
	for _, ret := range []nvml.Return{named, identified, sized, able} {
		if ret != nvml.SUCCESS {
			return nvmlError(ret)
		}
	}
	c.Name, c.UUID, c.MemoryBytes, c.ComputeCapability = name, uuid, memory, fmt.Sprintf("%d.%d", major, minor)
	return nil
}

// memoryOf is a card's memory; 0 of one that shares the processor's (GB10,
// Jetson), which the driver does not count.
func memoryOf(device nvml.Device) (int64, nvml.Return) {
	memory, ret := device.GetMemoryInfo()
	if ret == nvml.ERROR_NOT_SUPPORTED {
		return 0, nvml.SUCCESS
	}
	return int64(memory.Total), ret
}

// listMIG adds the MIG devices of a card that has any.
func (d *nvmlDriver) listMIG(c *nvmlCard) {
	for _, function := range []string{"nvmlDeviceGetMigMode", "nvmlDeviceGetMaxMigDeviceCount", "nvmlDeviceGetMigDeviceHandleByIndex"} {
		if c.unreadable != nil || !d.has(function) {
			return
		}
	}
	mode, _, ret := c.device.GetMigMode()
	if ret != nvml.SUCCESS || mode != nvml.DEVICE_MIG_ENABLE {
		return
	}
	c.MIG = true
	slots, ret := c.device.GetMaxMigDeviceCount()
	if ret != nvml.SUCCESS {
		return
	}
	for slot := range slots {
		device, ret := c.device.GetMigDeviceHandleByIndex(slot)
		if ret == nvml.ERROR_NOT_FOUND { // nobody made a device there
			continue
		}
		d.cards = append(d.cards, c.part(len(d.cards), slot, device, ret))
	}
}

// part describes a MIG device. What it does not say of itself is its card's.
func (c *nvmlCard) part(index, slot int, device nvml.Device, opened nvml.Return) *nvmlCard {
	parent := c.Index
	part := &nvmlCard{GPU: record.GPU{Index: index, Parent: &parent, Driver: c.Driver, CUDA: c.CUDA, ComputeCapability: c.ComputeCapability,
		PCIeGenerationMax: c.PCIeGenerationMax, PCIeWidthMax: c.PCIeWidthMax}, device: device, whole: c}
	fail := func(ret nvml.Return) *nvmlCard {
		part.unreadable = &CardError{fmt.Sprintf("MIG device %d of GPU %d", slot, parent), "describe", nvmlError(ret)}
		return part
	}
	if opened != nvml.SUCCESS {
		return fail(opened)
	}
	uuid, ret := device.GetUUID()
	if ret != nvml.SUCCESS {
		return fail(ret)
	}
	memory, ret := memoryOf(device)
	if ret != nvml.SUCCESS {
		return fail(ret)
	}
	name, ret := device.GetName()
	if ret != nvml.SUCCESS || name == c.Name {
		name = c.Name + " MIG"
	}
	part.Name, part.UUID, part.MemoryBytes = name, uuid, memory
	return part
}

// reason says why a card does not answer, and notes when it never will again.
func (c *nvmlCard) reason(ret nvml.Return) error {
	switch {
	case ret == nvml.ERROR_GPU_IS_LOST:
		c.whole.lost = nvmlError(ret)
		return c.whole.lost
	case ret == nvml.ERROR_NOT_SUPPORTED && c.whole != c:
		return errors.New("MIG is on: the driver does not tell this of a MIG device")
	case ret == nvml.ERROR_NOT_SUPPORTED && c.MIG:
		return errors.New("MIG is on: the driver does not tell this of a card that is divided")
	}
	return nvmlError(ret)
}

// Processes are all that are on a card now, those that compute and those that
// draw, by their number.
func (d *nvmlDriver) Processes(index int) ([]GPUProcess, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.card(index)
	if err != nil {
		return nil, err
	}
	return d.processes(c)
}

func (d *nvmlDriver) processes(c *nvmlCard) ([]GPUProcess, error) {
	const computing, drawing = "nvmlDeviceGetComputeRunningProcesses", "nvmlDeviceGetGraphicsRunningProcesses"
	if !d.hasAny(computing) || !d.hasAny(drawing) {
		return nil, tooOld(computing)
	}
	infos, ret := c.device.GetComputeRunningProcesses()
	if ret != nvml.SUCCESS {
		return nil, fmt.Errorf("list the processes on GPU %d: %w", c.Index, c.reason(ret))
	}
	graphics, ret := c.device.GetGraphicsRunningProcesses()
	if ret != nvml.SUCCESS && ret != nvml.ERROR_NOT_SUPPORTED { // a divided card draws nothing
		return nil, fmt.Errorf("list the processes on GPU %d: %w", c.Index, c.reason(ret))
	}
	var found []GPUProcess
	foreign := foreignPIDs(d.root)
	for _, info := range append(slices.Clone(infos), graphics...) {
		pid := int(info.Pid)
		if pid != 0 && slices.ContainsFunc(found, func(p GPUProcess) bool { return p.PID == pid }) {
			continue
		}
		p := GPUProcess{PID: pid}
		if !foreign { // else the number is another process's here
			p.Name = nameOf(d.root, pid)
		}
		if info.UsedGpuMemory != notAvailable {
			bytes := int64(info.UsedGpuMemory)
			p.MemoryBytes = &bytes
		}
		found = append(found, p)
	}
	slices.SortFunc(found, func(a, b GPUProcess) int { return a.PID - b.PID })
	return found, nil
}

// notAvailable is NVML_VALUE_NOT_AVAILABLE.
const notAvailable = ^uint64(0)
