//go:build cgo && linux

package sample

import (
	"errors"
	"slices"
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
	s.noEnergy = s.gone()
	if s.noEnergy == nil {
		s.noEnergy = d.energyReason(c.whole)
	}
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
	s.ask(&into[0], "nvmlDeviceGetUtilizationRates", func() (float64, nvml.Return) {
		utilization, ret := s.card.device.GetUtilizationRates()
		return float64(utilization.Gpu), ret
	})
}

func (s *nvmlSource) readMemory(into []Reading) {
	s.ask(&into[0], "nvmlDeviceGetMemoryInfo", func() (float64, nvml.Return) {
		memory, ret := s.card.device.GetMemoryInfo()
		return float64(memory.Used), ret
	})
}

// readEnergy is the whole card's energy, and the power that is made from it;
// of a card that does not count energy, only the power. MIG devices have no
// meter of their own.
func (s *nvmlSource) readEnergy(into []Reading) {
	if s.noEnergy == nil {
		millijoules, ret := s.card.whole.device.GetTotalEnergyConsumption()
		s.put(&into[0], float64(millijoules), ret)
		into[1] = into[0]
		return
	}
	into[0].Err = s.noEnergy
	s.ask(&into[1], "nvmlDeviceGetPowerUsage", whole(s.card.whole.device.GetPowerUsage))
}

func (s *nvmlSource) readClocks(into []Reading) {
	for i, clock := range []nvml.ClockType{nvml.CLOCK_SM, nvml.CLOCK_MEM} {
		s.ask(&into[i], "nvmlDeviceGetClockInfo", whole(func() (uint32, nvml.Return) { return s.card.whole.device.GetClockInfo(clock) }))
	}
}

// readTemperature asks the function that NVIDIA deprecated in 13.0 only where
// its successor is not there, or does not tell.
func (s *nvmlSource) readTemperature(into []Reading) {
	if s.driver.has("nvmlDeviceGetTemperatureV") {
		if temperature, ret := s.card.whole.device.GetTemperatureV().V1(); ret == nvml.SUCCESS {
			into[0].Value = float64(temperature.Temperature)
			return
		}
	}
	s.ask(&into[0], "nvmlDeviceGetTemperature", whole(func() (uint32, nvml.Return) { return s.card.whole.device.GetTemperature(nvml.TEMPERATURE_GPU) }))
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
	const function, older = "nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"
	ask := s.card.whole.device.GetCurrentClocksEventReasons
	if !s.driver.has(function) {
		ask = s.card.whole.device.GetCurrentClocksThrottleReasons
	}
	if !s.driver.has(function) && !s.driver.has(older) {
		fail(into, tooOld(older))
		return
	}
	reasons, ret := ask()
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
	s.ask(&into[0], "nvmlDeviceGetCurrPcieLinkGeneration", whole(s.card.whole.device.GetCurrPcieLinkGeneration))
	s.ask(&into[1], "nvmlDeviceGetCurrPcieLinkWidth", whole(s.card.whole.device.GetCurrPcieLinkWidth))
}

func (s *nvmlSource) readErrors(into []Reading) {
	s.ask(&into[0], "nvmlDeviceGetPcieReplayCounter", whole(s.card.whole.device.GetPcieReplayCounter))
	s.ask(&into[1], "nvmlDeviceGetTotalEccErrors", whole(func() (uint64, nvml.Return) {
		return s.card.whole.device.GetTotalEccErrors(nvml.MEMORY_ERROR_TYPE_UNCORRECTED, nvml.VOLATILE_ECC)
	}))
}

// readOthers counts the processes on the card that are not the runner's.
func (s *nvmlSource) readOthers(into []Reading) {
	if s.target.PID <= 0 && s.target.Cgroup == "" {
		into[0].Err = errors.New(nothingToRead)
		return
	}
	if foreignPIDs(s.driver.root) {
		into[0].Err = errForeignPIDs
		return
	}
	processes, err := s.driver.processes(s.card)
	if err == nil && slices.ContainsFunc(processes, func(p GPUProcess) bool { return p.PID == 0 }) {
		err = errNoPIDs
	}
	into[0].Value, into[0].Err = float64(len(Others(s.driver.root, s.target, processes))), err
}

// ask calls a function, if the driver has it.
func (s *nvmlSource) ask(into *Reading, function string, call func() (float64, nvml.Return)) {
	if !s.driver.has(function) {
		into.Err = tooOld(function)
		return
	}
	value, ret := call()
	s.put(into, value, ret)
}

// whole adapts a function that tells a whole number.
func whole[N int | uint32 | uint64](call func() (N, nvml.Return)) func() (float64, nvml.Return) {
	return func() (float64, nvml.Return) {
		n, ret := call()
		return float64(n), ret
	}
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
