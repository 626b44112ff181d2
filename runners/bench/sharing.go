package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample"
	"github.com/dlbench/dlbench/runners/engine"
)

// sharing are warnings of processes that use the GPUs before anything of this
// run does. With exclusive they are refused, and so is a driver that does not
// tell.
func (h Host) sharing(devices []device.Device, exclusive bool) (warnings record.Warnings, err error) {
	if !devices[0].GPU() {
		if exclusive {
			return nil, UsageError(errors.New("--exclusive is about a GPU: give --device gpu too"))
		}
		return nil, nil
	}
	gpu, err := h.OpenGPU()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, gpu.Close()) }()
	var texts []string
	for _, d := range devices {
		if text := users(gpu, d); text != "" {
			texts = append(texts, text)
			warnings.Add(record.AboutRun, record.GPUShared, "%s", text)
		}
	}
	if exclusive && len(texts) > 0 {
		return nil, EnvironmentError(fmt.Errorf("--exclusive: %s", strings.Join(texts, "; ")), "stop them, or name another GPU by --device")
	}
	return warnings, nil
}

// users names the processes on a device's card; empty when there is none.
func users(gpu sample.GPU, d device.Device) string {
	processes, err := gpu.Processes(d.Card.Index)
	if err != nil {
		return fmt.Sprintf("whether others use %s is not known: %v", d.Name, err)
	}
	var names []string
	for _, process := range processes {
		name := strings.TrimSpace(fmt.Sprintf("%s %d", process.Name, process.PID))
		if process.PID == 0 {
			name = "one whose number the driver does not tell"
		}
		if process.MemoryBytes != nil {
			name += " with " + humanize.IBytes(uint64(*process.MemoryBytes))
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("other processes use %s: %s", d.Name, strings.Join(names, ", "))
}

// handsOver refuses an engine whose containers do not get the GPUs, before any
// image is built: a tiny one is started with them.
func handsOver(ctx context.Context, e engine.Engine, devices []device.Device) error {
	command, ok := e.(*engine.CLI)
	if !ok || !devices[0].GPU() {
		return nil
	}
	var uuids []string
	for _, d := range devices {
		uuids = append(uuids, d.UUIDs()...)
	}
	if missing := command.HandOver(ctx, uuids...); missing != nil {
		return EnvironmentError(missing, missing.Hint)
	}
	return nil
}
