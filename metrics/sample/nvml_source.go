//go:build cgo && linux

package sample

import (
	"errors"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// Sources are a card's load, and its link and errors, which change less and are
// read less often.
func (d *nvmlDriver) Sources(index int, target Target) ([]Source, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	c, err := d.card(index)
	if err != nil {
		return nil, err
	}
	s := nvmlSource{driver: d, card: c, target: target}
	s.noEnergy = s.energyReason()
	load, link := s, s
	load.channels, load.pace = gpuLoad(index, s.noEnergy == nil), gpuPace
	load.probes = []probe{{1, (*nvmlSource).readUtilization}, {1, (*nvmlSource).readMemory}, {2, (*nvmlSource).readEnergy},
		{2, (*nvmlSource).readClocks}, {1, (*nvmlSource).readTemperature}, {len(limits), (*nvmlSource).readLimits}}
	link.channels, link.pace = gpuLink(index), linkPace
	link.probes = []probe{{2, (*nvmlSource).readLink}, {2, (*nvmlSource).readErrors}, {1, (*nvmlSource).readOthers}}
	return []Source{&load, &link}, nil
}

// nvmlSource reads some figures of one card.
type nvmlSource struct {
	driver   *nvmlDriver
	card     *nvmlCard
	target   Target
	noEnergy error // why the card does not count its energy; nil when it does
	channels []Channel
	pace     time.Duration
	probes   []probe // in the channels' order
}

// probe fills some figures with what the driver is asked once.
type probe struct {
	figures int
	read    func(*nvmlSource, []Reading)
}

// Channels are the card's figures.
func (s *nvmlSource) Channels() []Channel { return s.channels }

// Pace keeps the readings to what the driver renews.
func (s *nvmlSource) Pace() time.Duration { return s.pace }

// Read asks the driver. A card that was lost is not asked again, and the others
// are.
func (s *nvmlSource) Read(into []Reading) {
	s.driver.mu.Lock()
	defer s.driver.mu.Unlock()
	for _, p := range s.probes {
		figures := into[:p.figures]
		into = into[p.figures:]
		if err := s.gone(); err != nil {
			fail(figures, err)
			continue
		}
		p.read(s, figures)
	}
}

func (s *nvmlSource) gone() error {
	if s.driver.library == nil {
		return errClosed
	}
	return s.card.whole.lost
}

// readUtilization is the share of the driver's last period, 1/6 to 1 s, in which
// some kernel ran: one that uses a tenth of the card counts like one that fills it.
func (s *nvmlSource) readUtilization(into []Reading) {
	utilization, ret := s.card.device.GetUtilizationRates()
	s.put(&into[0], float64(utilization.Gpu), ret)
}

func (s *nvmlSource) readMemory(into []Reading) {
	memory, ret := s.card.device.GetMemoryInfo()
	s.put(&into[0], float64(memory.Used), ret)
}

const energyFunction = "nvmlDeviceGetTotalEnergyConsumption"

// energyReason is why the whole card does not count its energy, nil when it does.
func (s *nvmlSource) energyReason() error {
	if !s.driver.has(energyFunction) {
		return tooOld(energyFunction)
	}
	if err := s.gone(); err != nil {
		return err
	}
	if _, ret := s.card.whole.device.GetTotalEnergyConsumption(); ret != nvml.SUCCESS {
		return s.card.whole.reason(ret)
	}
	return nil
}

// readEnergy is the whole card's energy, and the power that is made from it;
// of a card that does not count energy, the power alone. MIG devices have no
// meter of their own.
func (s *nvmlSource) readEnergy(into []Reading) {
	if s.noEnergy == nil {
		millijoules, ret := s.card.whole.device.GetTotalEnergyConsumption()
		s.put(&into[0], float64(millijoules), ret)
		into[1] = into[0]
		return
	}
	into[0].Err = s.noEnergy
	milliwatts, ret := s.card.whole.device.GetPowerUsage()
	s.put(&into[1], float64(milliwatts), ret)
}

func (s *nvmlSource) readClocks(into []Reading) {
	multiprocessors, ret := s.card.whole.device.GetClockInfo(nvml.CLOCK_SM)
	s.put(&into[0], float64(multiprocessors), ret)
	memory, ret := s.card.whole.device.GetClockInfo(nvml.CLOCK_MEM)
	s.put(&into[1], float64(memory), ret)
}

func (s *nvmlSource) readTemperature(into []Reading) {
	celsius, ret := s.card.whole.device.GetTemperature(nvml.TEMPERATURE_GPU)
	s.put(&into[0], float64(celsius), ret)
}

// The driver's reasons for held-down clocks, by what they mean. It says that the
// hardware slows down beside the reason for that, where it knows it.
const (
	heat       = nvml.ClocksThrottleReasonSwThermalSlowdown | nvml.ClocksThrottleReasonHwThermalSlowdown
	powerCap   = nvml.ClocksThrottleReasonSwPowerCap
	powerBrake = nvml.ClocksThrottleReasonHwPowerBrakeSlowdown
	hardware   = nvml.ClocksThrottleReasonHwSlowdown
	named      = nvml.ClocksThrottleReasonHwThermalSlowdown | nvml.ClocksThrottleReasonHwPowerBrakeSlowdown
)

// limits say whether each of the reasons holds, in the channels' order.
var limits = []func(reasons uint64) bool{
	func(r uint64) bool { return r&heat != 0 },
	func(r uint64) bool { return r&powerCap != 0 },
	func(r uint64) bool { return r&powerBrake != 0 },
	func(r uint64) bool { return r&hardware != 0 && r&named == 0 },
}

func (s *nvmlSource) readLimits(into []Reading) {
	const function = "nvmlDeviceGetCurrentClocksThrottleReasons"
	if !s.driver.has(function) {
		fail(into, tooOld(function))
		return
	}
	reasons, ret := s.card.whole.device.GetCurrentClocksThrottleReasons()
	for i, holds := range limits {
		held := 0.0
		if holds(reasons) {
			held = 1
		}
		s.put(&into[i], held, ret)
	}
}

// readLink is the link as it is now: an idle card lets its generation fall.
func (s *nvmlSource) readLink(into []Reading) {
	s.count(&into[0], "nvmlDeviceGetCurrPcieLinkGeneration", s.card.whole.device.GetCurrPcieLinkGeneration)
	s.count(&into[1], "nvmlDeviceGetCurrPcieLinkWidth", s.card.whole.device.GetCurrPcieLinkWidth)
}

func (s *nvmlSource) readErrors(into []Reading) {
	s.count(&into[0], "nvmlDeviceGetPcieReplayCounter", s.card.whole.device.GetPcieReplayCounter)
	s.count(&into[1], "nvmlDeviceGetTotalEccErrors", func() (int, nvml.Return) {
		n, ret := s.card.whole.device.GetTotalEccErrors(nvml.MEMORY_ERROR_TYPE_UNCORRECTED, nvml.VOLATILE_ECC)
		return int(n), ret
	})
}

// readOthers counts the processes on the card that are not the runner's.
func (s *nvmlSource) readOthers(into []Reading) {
	if s.target.PID <= 0 && s.target.Cgroup == "" {
		into[0].Err = errors.New(nothingToRead)
		return
	}
	processes, err := s.driver.processes(s.card)
	into[0].Value, into[0].Err = float64(len(Others(s.driver.root, s.target, processes))), err
}

// count asks a function that old drivers lack.
func (s *nvmlSource) count(into *Reading, function string, ask func() (int, nvml.Return)) {
	if !s.driver.has(function) {
		into.Err = tooOld(function)
		return
	}
	n, ret := ask()
	s.put(into, float64(n), ret)
}

func (s *nvmlSource) put(into *Reading, value float64, ret nvml.Return) {
	if ret == nvml.SUCCESS {
		into.Value = value
		return
	}
	into.Err = s.card.reason(ret)
}

func fail(into []Reading, err error) {
	for i := range into {
		into[i].Err = err
	}
}
