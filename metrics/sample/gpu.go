package sample

import (
	"errors"

	"github.com/dlbench/dlbench/metrics/record"
)

// GPU is an opened driver of GPUs.
type GPU interface {
	// Cards are the GPUs that the driver shows.
	Cards() []record.GPU
	// Source meters one of them.
	Source(index int) (Source, error)
	// Close lets the driver go; its sources miss everything from then on.
	Close() error
}

// Why there may be no GPU to meter.
var (
	ErrNoCgo    = errors.New("built without cgo: NVML cannot be called")
	ErrNoDriver = errors.New("NVIDIA driver library not found (libnvidia-ml.so.1)")
	ErrNoGPU    = errors.New("the NVIDIA driver shows no GPU")
)

// GPUProcess is a process that uses a GPU.
type GPUProcess struct {
	PID         int    // on the host
	Name        string // of its program; empty where the driver does not tell
	MemoryBytes int64  // of the GPU's memory; 0 where the driver does not tell
}

// GPUChannels are what a GPU's source fills; power is a rate of the energy
// counter, or a level where the GPU has none.
func GPUChannels(index int, energyCounter bool) []Channel {
	name := func(about string) string { return record.GPUSeries(index, about) }
	power := Channel{Name: name(record.GPUPower), Unit: "W", Kind: Level, Scale: 1e-3} // from mW
	if energyCounter {
		power.Kind, power.Scale = Rate, 1e6 // from mJ, per ns
	}
	return []Channel{
		{Name: name(record.GPUPercent), Unit: "%", Scale: 1},
		{Name: name(record.GPUMemory), Unit: "bytes", Scale: 1},
		power,
		{Name: name(record.GPUClock), Unit: "MHz", Scale: 1},
		{Name: name(record.GPUTemperature), Unit: "°C", Scale: 1},
		{Name: name(record.GPUThermalLimit), Unit: "", Scale: 1},
	}
}
