package sample

import (
	"errors"
	"fmt"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
)

// GPU is an opened driver of GPUs. A card is named by its index in Cards' order:
// the driver's, then the MIG devices.
type GPU interface {
	// Cards are the GPUs that the driver shows and that could be described.
	Cards() []record.GPU
	// Unreadable is why some of the driver's cards are not among Cards: a
	// CardError of each, joined. UnreadableCards takes it apart.
	Unreadable() error
	// Index finds a card by its UUID, "GPU-…" or "MIG-…".
	Index(uuid string) (int, bool)
	// Sources meter one card, of which the target's processes are the runner.
	Sources(index int, target Target) ([]Source, error)
	// Processes are all that are on a card now.
	Processes(index int) ([]GPUProcess, error)
	// Close lets the driver go; its sources miss everything from then on.
	Close() error
}

// Why there may be no GPU to meter.
var (
	ErrNoCgo    = errors.New("built without cgo: NVML cannot be called")
	ErrNoDriver = errors.New("NVIDIA driver library not found (libnvidia-ml.so.1)")
	ErrNoGPU    = errors.New("the NVIDIA driver shows no GPU")
)

// Why a driver does not start, or a card does not answer.
var (
	ErrNoPermission = errors.New("no permission to ask the NVIDIA driver")
	ErrNotLoaded    = errors.New("the NVIDIA driver is not loaded: see nvidia-smi")
	ErrMismatch     = errors.New("the NVIDIA library and the loaded driver differ in version: restart after the driver's update")
	ErrGPULost      = errors.New("the GPU is lost: it fell off the bus or stopped answering")
)

// CardError is why one card, or one MIG device, cannot be used.
type CardError struct {
	Card string // like "GPU 1", or "MIG device 0 of GPU 1"
	Step string // what was tried with it
	Err  error
}

func (e *CardError) Error() string { return fmt.Sprintf("%s %s: %v", e.Step, e.Card, e.Err) }
func (e *CardError) Unwrap() error { return e.Err }

// UnreadableCards are the cards that an Unreadable error is about.
func UnreadableCards(err error) []*CardError {
	var one *CardError
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []*CardError
		for _, each := range joined.Unwrap() {
			all = append(all, UnreadableCards(each)...)
		}
		return all
	}
	if errors.As(err, &one) {
		return []*CardError{one}
	}
	return nil
}

// GPUSources meter a card of the driver that OpenGPU gave, or say of each of
// its figures why there is none.
func GPUSources(gpu GPU, opened error, index int, target Target) []Source {
	if opened == nil {
		sources, err := gpu.Sources(index, target)
		if err == nil {
			return sources
		}
		opened = err
	}
	return []Source{Absent(opened, append(gpuLoad(index, false), gpuLink(index)...)...)}
}

// The shortest time between two readings of a card's load, and of its link and
// errors. The driver's own figures of the load cover 1/6 to 1 s.
const (
	gpuPace  = 200 * time.Millisecond
	linkPace = time.Second
)

// energyLeast is what power is made over: cards renew their energy counter every
// 20 to 100 ms, and an H200 seemed to use 0 W in 37 ms and half too much in 69.
const energyLeast = 500 * time.Millisecond

// gpuLoad are what a card does and what holds it back; power is a rate of the
// energy counter, or a level where the card has none.
func gpuLoad(index int, energyCounter bool) []Channel {
	name := func(about string) string { return record.GPUSeries(index, about) }
	power := Channel{Name: name(record.GPUPower), Unit: "W", Kind: Level, Scale: 1e-3} // from mW
	if energyCounter {
		power.Kind, power.Scale, power.Least = Rate, 1e6, energyLeast // from mJ, per ns
	}
	return []Channel{
		{Name: name(record.GPUPercent), Unit: "%", Scale: 1},
		{Name: name(record.GPUMemory), Unit: "bytes", Scale: 1},
		{Name: name(record.GPUEnergy), Unit: "J", Kind: Total, Scale: 1e-3}, // from mJ
		power,
		{Name: name(record.GPUClock), Unit: "MHz", Scale: 1},
		{Name: name(record.GPUMemoryClock), Unit: "MHz", Scale: 1},
		{Name: name(record.GPUTemperature), Unit: "°C", Scale: 1},
		{Name: name(record.GPUThermalLimit), Unit: "", Scale: 1},
		{Name: name(record.GPUPowerCap), Unit: "", Scale: 1},
		{Name: name(record.GPUPowerBrake), Unit: "", Scale: 1},
		{Name: name(record.GPUSlowdown), Unit: "", Scale: 1},
	}
}

// gpuLink are a card's link, its errors and who else is on it. What passes the
// link is not asked for: the driver would count for 20 ms, twice, and the
// sampler would wait.
func gpuLink(index int) []Channel {
	name := func(about string) string { return record.GPUSeries(index, about) }
	return []Channel{
		{Name: name(record.GPULinkGeneration), Unit: "", Scale: 1},
		{Name: name(record.GPULinkWidth), Unit: "lanes", Scale: 1},
		{Name: name(record.GPUReplays), Unit: "replays", Kind: Total, Scale: 1},
		{Name: name(record.GPUECCErrors), Unit: "errors", Kind: Total, Scale: 1},
		{Name: name(record.GPUOthers), Unit: "processes", Scale: 1},
	}
}
