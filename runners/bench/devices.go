package bench

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/sample"
	"github.com/dlbench/dlbench/runners/manifest"
)

// Devices are those that a text asks for. One that is not a device is the request's
// fault, a card that is not there the machine's.
func (h Host) Devices(text string) ([]device.Device, error) {
	wanted, err := device.Parse(text)
	if err != nil {
		return nil, UsageError(fmt.Errorf("--device: %w", err))
	}
	if wanted.CPU() {
		return []device.Device{device.CPU}, nil
	}
	cards, unreadable, err := h.Cards()
	if err != nil {
		return nil, EnvironmentError(fmt.Errorf("--device %s: %w", text, err), gpuHint(err, amdDriver))
	}
	found, err := wanted.Find(cards)
	if err != nil {
		for _, card := range unreadable {
			err = fmt.Errorf("%w; %s cannot be used (%w)", err, card.Card, card.Err)
		}
		return nil, EnvironmentError(fmt.Errorf("--device %s: %w", text, err), "use one that is there, or --device cpu")
	}
	return found, nil
}

// amdDriver is the file of AMD's compute driver.
const amdDriver = "/dev/kfd"

// gpuHint is what to do if no card is seen.
func gpuHint(err error, amd string) string {
	_, absent := os.Stat(amd)
	switch {
	case errors.Is(err, sample.ErrNoDriver) && absent == nil:
		return "use --device cpu: this machine has AMD's driver (" + amd + "), and dlbench hands over, meters and checks NVIDIA's cards only"
	case errors.Is(err, sample.ErrNoCgo):
		return "use --device cpu, or build dlbench with CGO_ENABLED=1 and a C compiler"
	case errors.Is(err, sample.ErrNoDriver):
		return "use --device cpu, or " + manifest.DriverHint(manifest.NewestDriver)
	case errors.Is(err, sample.ErrNoGPU):
		return "use --device cpu; a card that should be there is missing in nvidia-smi, too"
	case CardRemedy(err) != "":
		return "use --device cpu, or: " + CardRemedy(err)
	default:
		return "use --device cpu; see what nvidia-smi says"
	}
}

// CardRemedy is what to do about a driver that does not start, or a card that
// does not answer; empty if it is not known.
func CardRemedy(err error) string {
	switch {
	case errors.Is(err, sample.ErrNotLoaded):
		return "modprobe nvidia; after an update of the kernel, rebuild the driver's module (dkms autoinstall)"
	case errors.Is(err, sample.ErrMismatch):
		return "restart the machine"
	case errors.Is(err, sample.ErrNoPermission):
		return "open /dev/nvidia* to all (chmod 0666, for good NVreg_DeviceFileMode=0666); in a container, hand it the card"
	case errors.Is(err, sample.ErrGPULost):
		return "dmesg names an Xid; nvidia-smi --gpu-reset, or restart the machine"
	}
	return ""
}

// Cards are the GPUs of this machine with their MIG instances, and those that
// cannot be used.
func (h Host) Cards() (cards []device.Card, unreadable []*sample.CardError, err error) {
	gpu, err := h.OpenGPU()
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, gpu.Close()) }()
	return device.Cards(gpu.Cards()), sample.UnreadableCards(gpu.Unreadable()), nil
}

// onDevices are the entries of runners on devices: runner by runner, each on
// every device in order. If there are several, they are named like
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

// UnfitFor is why a runner cannot compute on a device, as far as its manifest
// tells: it knows what its image was built for, and nothing of what a local
// Python imports, which says so by itself.
func UnfitFor(m manifest.Manifest, d device.Device, local bool) string {
	if !d.GPU() {
		if !slices.Contains(m.Devices, d.Name) {
			return "this build computes on GPUs only"
		}
		return ""
	}
	if local {
		return m.WithoutGPUs()
	}
	return m.UnfitFor(manifest.CardOf(d.Card))
}
