package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample"
	"github.com/dlbench/dlbench/reports/table"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/manifest"
)

// devices are those that --device asks for. A string that is no device is the
// command line's fault, a card that is not there the machine's.
func (p *program) devices(text string) ([]device.Device, error) {
	wanted, err := device.Parse(text)
	if err != nil {
		return nil, usage(fmt.Errorf("--device: %w", err))
	}
	if wanted.CPU() {
		return []device.Device{device.CPU}, nil
	}
	cards, unreadable, err := p.cards()
	if err != nil {
		return nil, lackingHere(fmt.Errorf("--device %s: %w", text, err), gpuHint(err))
	}
	found, err := wanted.Find(cards)
	if err != nil {
		for _, card := range unreadable {
			err = fmt.Errorf("%w; %s cannot be used (%w)", err, card.Card, card.Err)
		}
		return nil, lackingHere(fmt.Errorf("--device %s: %w", text, err), "use one that is there, or --device cpu")
	}
	return found, nil
}

// gpuHint is what to do where no card is seen.
func gpuHint(err error) string {
	switch {
	case errors.Is(err, sample.ErrNoCgo):
		return "use --device cpu, or build dlbench with CGO_ENABLED=1 and a C compiler"
	case errors.Is(err, sample.ErrNoDriver):
		return "use --device cpu, or install NVIDIA's driver (on Debian the package nvidia-driver, of non-free)"
	case errors.Is(err, sample.ErrNoGPU):
		return "use --device cpu; a card that should be there is missing in nvidia-smi, too"
	case cardRemedy(err) != "":
		return "use --device cpu, or: " + cardRemedy(err)
	default:
		return "use --device cpu; see what nvidia-smi says"
	}
}

// cardRemedy is what to do about a driver that does not start, or a card that
// does not answer; empty where it is not known.
func cardRemedy(err error) string {
	switch {
	case errors.Is(err, sample.ErrNotLoaded):
		return "modprobe nvidia; after an update of the kernel, build the driver's module anew (dkms autoinstall)"
	case errors.Is(err, sample.ErrMismatch):
		return "restart the machine"
	case errors.Is(err, sample.ErrNoPermission):
		return "open /dev/nvidia* to all (chmod 0666, for good NVreg_DeviceFileMode=0666); in a container, hand it the card"
	case errors.Is(err, sample.ErrGPULost):
		return "dmesg names an Xid; nvidia-smi --gpu-reset, or restart the machine"
	}
	return ""
}

// cards are the GPUs of this machine with their MIG instances, and those that
// cannot be used.
func (p *program) cards() (cards []device.Card, unreadable []*sample.CardError, err error) {
	gpu, err := p.openGPU()
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, gpu.Close()) }()
	return device.Cards(gpu.Cards()), sample.UnreadableCards(gpu.Unreadable()), nil
}

// sharing are warnings of processes that use the GPUs before anything of this
// run does. With exclusive they are refused, and so is a driver that does not
// tell.
func (p *program) sharing(devices []device.Device, exclusive bool) (warnings record.Warnings, err error) {
	if !devices[0].GPU() {
		if exclusive {
			return nil, usage(errors.New("--exclusive is about a GPU: give --device gpu too"))
		}
		return nil, nil
	}
	gpu, err := p.openGPU()
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
		return nil, lackingHere(fmt.Errorf("--exclusive: %s", strings.Join(texts, "; ")), "stop them, or name another GPU by --device")
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
		if process.MemoryBytes != nil {
			name += " with " + table.Bytes(*process.MemoryBytes)
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf("other processes use %s: %s", d.Name, strings.Join(names, ", "))
}

// handsOver refuses an engine that is not set up for GPUs, before it starts
// anything.
func handsOver(ctx context.Context, e engine.Engine, devices []device.Device) error {
	command, ok := e.(*engine.CLI)
	if !ok || !devices[0].GPU() {
		return nil
	}
	var uuids []string
	for _, d := range devices {
		uuids = append(uuids, d.UUIDs()...)
	}
	if lacking := command.LackingForGPUs(ctx, uuids...); lacking != nil {
		return lackingHere(lacking, lacking.Hint)
	}
	return nil
}

// onDevices are the entries of runners on devices: runner by runner, each on
// every device in order. Where there are several, they are named like
// pytorch@gpu:1.
func onDevices(runners []manifest.Manifest, devices []device.Device) []manifest.Manifest {
	var entries []manifest.Manifest
	for _, m := range runners {
		for _, d := range devices {
			entry := m
			if d.GPU() {
				entry = m.OnGPU()
			}
			if len(devices) > 1 {
				entry.Name += "@" + d.Name
			}
			entries = append(entries, entry)
		}
	}
	return entries
}

// withoutDevice is the name of an entry's runner.
func withoutDevice(entry string) string {
	name, _, _ := strings.Cut(entry, "@gpu:")
	return name
}

// unfitFor is why a runner cannot compute on a device, as far as its manifest
// tells: it knows what its image was built for, and nothing of what a local
// Python imports, which says so by itself.
func unfitFor(m manifest.Manifest, d device.Device, local bool) string {
	if !d.GPU() {
		if !slices.Contains(m.Devices, d.Name) {
			return "this build computes on GPUs alone"
		}
		return ""
	}
	if local {
		return m.WithoutGPUs()
	}
	return m.UnfitFor(cardOf(d.Card))
}

func cardOf(g record.GPU) manifest.Card {
	return manifest.Card{ComputeCapability: g.ComputeCapability, Driver: g.Driver, CUDA: g.CUDA}
}

// otherCard describes the card that a record's device was, where it is another
// one now.
func otherCard(recorded []record.GPU, devices []device.Device) string {
	for _, d := range devices {
		for _, old := range recorded {
			if d.GPU() && old.Index == d.Card.Index && old.UUID != d.Card.UUID {
				return fmt.Sprintf("GPU %d, %s %s, which is now %s %s", old.Index, old.Name, old.UUID, d.Card.Name, d.Card.UUID)
			}
		}
	}
	return ""
}
