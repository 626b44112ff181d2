//go:build cgo && linux

package sample

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"github.com/dlbench/dlbench/metrics/record"
)

// OpenGPU opens NVIDIA's driver. Without one it fails with ErrNoDriver,
// without a card with ErrNoGPU.
func OpenGPU() (GPU, error) {
	driver, err := openNVML(nvml.New())
	if err != nil {
		return nil, err
	}
	return driver, nil
}

// nvmlDriver is a driver that was initialized. Nothing calls NVML before that
// nor after Close: a call into a library that is not loaded ends the process.
type nvmlDriver struct {
	mu      sync.Mutex
	library nvml.Interface // nil after Close
	cards   []record.GPU
	devices []nvml.Device
}

func openNVML(library nvml.Interface) (*nvmlDriver, error) {
	switch ret := library.Init(); ret {
	case nvml.SUCCESS:
	case nvml.ERROR_LIBRARY_NOT_FOUND:
		return nil, ErrNoDriver
	default:
		return nil, fmt.Errorf("start NVML: %w", nvmlError(ret))
	}
	d := &nvmlDriver{library: library}
	if err := d.list(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *nvmlDriver) list() error {
	count, ret := d.library.DeviceGetCount()
	if ret != nvml.SUCCESS {
		return fmt.Errorf("count the GPUs: %w", nvmlError(ret))
	}
	if count == 0 {
		return ErrNoGPU
	}
	version, ret := d.library.SystemGetDriverVersion()
	if ret != nvml.SUCCESS {
		return fmt.Errorf("ask for the driver's version: %w", nvmlError(ret))
	}
	for i := range count {
		device, ret := d.library.DeviceGetHandleByIndex(i)
		if ret != nvml.SUCCESS {
			return fmt.Errorf("open GPU %d: %w", i, nvmlError(ret))
		}
		card, err := describe(device, i)
		if err != nil {
			return fmt.Errorf("describe GPU %d: %w", i, err)
		}
		card.Driver = version
		d.devices, d.cards = append(d.devices, device), append(d.cards, card)
	}
	return nil
}

func describe(device nvml.Device, index int) (record.GPU, error) {
	name, named := device.GetName()
	uuid, identified := device.GetUUID()
	memory, sized := device.GetMemoryInfo()
	major, minor, able := device.GetCudaComputeCapability()
	for _, ret := range []nvml.Return{named, identified, sized, able} {
		if ret != nvml.SUCCESS {
			return record.GPU{}, nvmlError(ret)
		}
	}
	return record.GPU{Index: index, Name: name, UUID: uuid, MemoryBytes: int64(memory.Total),
		ComputeCapability: fmt.Sprintf("%d.%d", major, minor)}, nil
}

// Cards are the GPUs that the driver shows.
func (d *nvmlDriver) Cards() []record.GPU { return d.cards }

// Close lets the driver go. It is idempotent.
func (d *nvmlDriver) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.library == nil {
		return nil
	}
	ret := d.library.Shutdown()
	d.library = nil
	if ret != nvml.SUCCESS {
		return fmt.Errorf("stop NVML: %w", nvmlError(ret))
	}
	return nil
}

// Source meters a GPU.
func (d *nvmlDriver) Source(index int) (Source, error) {
	if index < 0 || index >= len(d.devices) {
		return nil, fmt.Errorf("GPU %d: the driver shows GPUs 0 to %d", index, len(d.devices)-1)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.library == nil {
		return nil, errClosed
	}
	s := &nvmlSource{driver: d, index: index, device: d.devices[index]}
	s.energy = d.has("nvmlDeviceGetTotalEnergyConsumption")
	if s.energy {
		_, ret := s.device.GetTotalEnergyConsumption()
		s.energy = ret == nvml.SUCCESS
	}
	s.reasons = d.has("nvmlDeviceGetCurrentClocksThrottleReasons")
	return s, nil
}

// has says whether the driver is new enough for a function. Calling one that
// it lacks would end the process.
func (d *nvmlDriver) has(function string) bool {
	return d.library.Extensions().LookupSymbol(function) == nil
}

// gpuPace is the shortest time between two readings of a GPU: its driver's
// own figures cover windows of 1/6 to 1 s.
const gpuPace = 200 * time.Millisecond

// nvmlSource reads one GPU.
type nvmlSource struct {
	driver  *nvmlDriver
	index   int
	device  nvml.Device
	energy  bool // the GPU counts its energy
	reasons bool // the driver tells why clocks are held down
	lost    error
}

// Why a source of a driver misses everything.
var (
	errClosed   = errors.New("NVML was stopped")
	errNoReason = errors.New("the NVIDIA driver is too old to tell why clocks are held down")
)

// Channels are those of GPUChannels.
func (s *nvmlSource) Channels() []Channel { return GPUChannels(s.index, s.energy) }

// Pace keeps the readings to 5 Hz.
func (s *nvmlSource) Pace() time.Duration { return gpuPace }

// Read asks the driver. A GPU that was lost is not asked again.
func (s *nvmlSource) Read(into []Reading) {
	s.driver.mu.Lock()
	defer s.driver.mu.Unlock()
	if s.driver.library == nil {
		s.lost = errClosed
	}
	if s.lost != nil {
		for i := range into {
			into[i].Err = s.lost
		}
		return
	}
	utilization, ret := s.device.GetUtilizationRates()
	s.put(&into[0], float64(utilization.Gpu), ret)
	memory, ret := s.device.GetMemoryInfo()
	s.put(&into[1], float64(memory.Used), ret)
	s.readPower(&into[2])
	clock, ret := s.device.GetClockInfo(nvml.CLOCK_SM)
	s.put(&into[3], float64(clock), ret)
	temperature, ret := s.device.GetTemperature(nvml.TEMPERATURE_GPU)
	s.put(&into[4], float64(temperature), ret)
	s.readThermalLimit(&into[5])
}

func (s *nvmlSource) readPower(into *Reading) {
	if s.energy {
		millijoules, ret := s.device.GetTotalEnergyConsumption()
		s.put(into, float64(millijoules), ret)
		return
	}
	milliwatts, ret := s.device.GetPowerUsage()
	s.put(into, float64(milliwatts), ret)
}

// thermal are the reasons for held-down clocks that mean heat.
const thermal = nvml.ClocksThrottleReasonSwThermalSlowdown | nvml.ClocksThrottleReasonHwThermalSlowdown

func (s *nvmlSource) readThermalLimit(into *Reading) {
	if !s.reasons {
		into.Err = errNoReason
		return
	}
	reasons, ret := s.device.GetCurrentClocksThrottleReasons()
	limited := 0.0
	if reasons&uint64(thermal) != 0 {
		limited = 1
	}
	s.put(into, limited, ret)
}

func (s *nvmlSource) put(into *Reading, value float64, ret nvml.Return) {
	if ret == nvml.SUCCESS {
		into.Value = value
		return
	}
	into.Err = nvmlError(ret)
	if ret == nvml.ERROR_GPU_IS_LOST {
		s.lost = into.Err
	}
}

// nvmlError says what NVML's answer means for a person.
func nvmlError(ret nvml.Return) error {
	switch ret {
	case nvml.ERROR_NOT_SUPPORTED:
		return errors.New("this GPU does not tell")
	case nvml.ERROR_NO_PERMISSION:
		return errors.New("no permission to ask the NVIDIA driver")
	case nvml.ERROR_DRIVER_NOT_LOADED:
		return errors.New("the NVIDIA driver is not loaded: see nvidia-smi")
	case nvml.ERROR_LIB_RM_VERSION_MISMATCH:
		return errors.New("the NVIDIA library and the loaded driver differ in version: restart after the driver's update")
	case nvml.ERROR_GPU_IS_LOST:
		return errors.New("the GPU is lost: it fell off the bus or stopped answering")
	}
	return fmt.Errorf("NVML answers %d (%s)", int(ret), ret.Error())
}
