package summary_test

import (
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// onCard is a campaign of one cell on gpu:1 whose blocks of 50 images each take
// from 1 s to 2 s, 2 s to 4 s, and, one image at a time, 4 s to 5 s.
func onCard(processes int) *record.Record {
	card := record.GPU{Index: 1, Name: "homemade", PCIeGenerationMax: 5, PCIeWidthMax: 16}
	r := &record.Record{Environment: record.Environment{GPUs: []record.GPU{{Index: 0}, card}}, Workloads: []record.Workload{{ID: workload, Batch: 5}},
		Cells: []record.Cell{{Workload: workload, Runner: "a", Device: "gpu:1"}}}
	for round := range processes {
		r.Cells[0].Processes = append(r.Cells[0].Processes, record.Process{Round: round, Status: record.Measured, Blocks: []record.Block{
			{Scenario: record.Offline, Iterations: 10, StartNS: second, EndNS: 2 * second},
			{Scenario: record.Offline, Iterations: 10, StartNS: 2 * second, EndNS: 4 * second},
			{Scenario: record.SingleStream, Iterations: 1, StartNS: 4 * second, EndNS: 5 * second, IterationNS: []int64{second}}}})
	}
	return r
}

// sees adds a series of the card to a process, a reading every 0.4 s to 6 s.
func sees(p *record.Process, about string, at func(seconds float64) float64) {
	s := record.Series{Name: record.GPUSeries(1, about)}
	for ns := int64(0); ns <= 6*second; ns += 4e8 {
		s.TimeNS, s.Values = append(s.TimeNS, ns), append(s.Values, at(float64(ns)/second))
	}
	p.Series = append(p.Series, s)
}

func always(v float64) func(float64) float64 { return func(float64) float64 { return v } }

// Neither edge of a block is a reading: the counter is interpolated there. The
// energy of the single stream is not in it.
func TestEnergyOfACounter(t *testing.T) {
	r := onCard(3)
	for i := range r.Cells[0].Processes {
		watts := 100 * float64(i+1)
		sees(&r.Cells[0].Processes[i], record.GPUEnergy, func(s float64) float64 { return 1e6 + watts*s })
		sees(&r.Cells[0].Processes[i], record.GPUPower, always(77))
		sees(&r.Cells[0].Processes[i], record.GPUClock, always(1500))
		sees(&r.Cells[0].Processes[i], record.GPUMemoryClock, always(2600))
		sees(&r.Cells[0].Processes[i], record.GPUTemperature, always(61))
	}
	summary.Summarize(r)
	u := r.Cells[0].Utilization
	if u.GPUEnergyJoules == nil || u.ImagesPerJoule == nil {
		t.Fatalf("got %+v", u)
	}
	near(t, "energy", *u.GPUEnergyJoules, 600, 1e-6)
	near(t, "images per joule", *u.ImagesPerJoule, 100.0/600, 1e-9)
	near(t, "clock", *u.GPUClockMHz, 1500, 1e-9)
	near(t, "memory clock", *u.GPUMemoryClock, 2600, 1e-9)
	near(t, "temperature", *u.GPUTemperature, 61, 1e-9)
	if u.EnergySource != "the GPU's energy counter, interpolated at the blocks' edges" {
		t.Errorf("source %q", u.EnergySource)
	}
}

// Without a counter in one process, all of them are judged by their power.
func TestEnergyOfPower(t *testing.T) {
	for name, spoil := range map[string]func(*record.Process){
		"no counter": func(*record.Process) {},
		"a counter set back": func(p *record.Process) {
			sees(p, record.GPUEnergy, func(s float64) float64 {
				if s > 3 {
					return 100*s - 250 // grown over both blocks together
				}
				return 100 * s
			})
		},
		"a counter that ends": func(p *record.Process) {
			sees(p, record.GPUEnergy, func(s float64) float64 { return 100 * s })
			s := &p.Series[len(p.Series)-1]
			s.TimeNS, s.Values = s.TimeNS[:6], s.Values[:6]
		},
	} {
		r := onCard(3)
		for i := range r.Cells[0].Processes {
			p := &r.Cells[0].Processes[i]
			sees(p, record.GPUPower, always(50))
			if i == 1 {
				spoil(p)
			} else {
				sees(p, record.GPUEnergy, func(s float64) float64 { return 100 * s })
			}
		}
		summary.Summarize(r)
		u := r.Cells[0].Utilization
		near(t, name+": energy", *u.GPUEnergyJoules, 150, 1e-9)
		near(t, name+": images per joule", *u.ImagesPerJoule, 100.0/150, 1e-9)
		if !strings.HasPrefix(u.EnergySource, "mean power × time") {
			t.Errorf("%s: source %q", name, u.EnergySource)
		}
	}
}

func TestNoEnergyIsNotZero(t *testing.T) {
	for name, see := range map[string]func(*record.Process){
		"nothing seen": func(p *record.Process) { sees(p, record.GPUPercent, always(50)) },
		"zero watts":   func(p *record.Process) { sees(p, record.GPUPower, always(0)) },
		"lost before the second block": func(p *record.Process) {
			sees(p, record.GPUPower, always(50))
			p.Series[0].TimeNS, p.Series[0].Values = p.Series[0].TimeNS[:6], p.Series[0].Values[:6]
		},
	} {
		r := onCard(1)
		see(&r.Cells[0].Processes[0])
		summary.Summarize(r)
		if u := r.Cells[0].Utilization; u != nil && (u.GPUEnergyJoules != nil || u.ImagesPerJoule != nil || u.EnergySource != "") {
			t.Errorf("%s: %+v", name, u)
		}
	}
}

// Processors are counted whatever computes, and the blocks' energy is that of
// all of them: 10 W and 20 W over three seconds for 100 images.
func TestEnergyOfProcessors(t *testing.T) {
	for _, device := range []string{"cpu", "gpu:1"} {
		r := onCard(2)
		r.Cells[0].Device = device
		for i := range r.Cells[0].Processes {
			p := &r.Cells[0].Processes[i]
			sees(p, "", func(s float64) float64 { return 10 * float64(i+1) * s })
			p.Series[len(p.Series)-1].Name = record.SeriesCPUEnergy
		}
		summary.Summarize(r)
		u := r.Cells[0].Utilization
		if u == nil || u.CPUEnergyJoules == nil || u.ImagesPerCPUJoule == nil || u.CPUPowerWatts == nil {
			t.Fatalf("%s: %+v", device, u)
		}
		near(t, device+": energy", *u.CPUEnergyJoules, 45, 1e-9)
		near(t, device+": power", *u.CPUPowerWatts, 15, 1e-9)
		near(t, device+": images per joule", *u.ImagesPerCPUJoule, (100.0/30+100.0/60)/2, 1e-9)
		if u.GPUEnergyJoules != nil || u.ImagesPerJoule != nil {
			t.Errorf("%s: the processors' energy is the GPU's: %+v", device, u)
		}
	}
}

// A process that the counter does not cover to the end of its blocks says
// nothing; one that stands still is no energy of 0.
func TestNoEnergyOfProcessorsIsNotZero(t *testing.T) {
	for name, at := range map[string]func(*record.Series){
		"ends":         func(s *record.Series) { s.TimeNS, s.Values = s.TimeNS[:6], s.Values[:6] },
		"stands still": func(s *record.Series) { clear(s.Values) },
	} {
		r := onCard(1)
		p := &r.Cells[0].Processes[0]
		sees(p, "", func(s float64) float64 { return s })
		p.Series[0].Name = record.SeriesCPUEnergy
		at(&p.Series[0])
		summary.Summarize(r)
		if u := r.Cells[0].Utilization; u != nil && (u.CPUEnergyJoules != nil || u.ImagesPerCPUJoule != nil || u.CPUPowerWatts != nil) {
			t.Errorf("%s: %+v", name, u)
		}
	}
}

// A MIG device has no meter of its own.
func TestEnergyOfAMIGDeviceIsItsCards(t *testing.T) {
	r := onCard(1)
	parent := 0
	r.Environment.GPUs[1].Parent = &parent
	sees(&r.Cells[0].Processes[0], record.GPUEnergy, func(s float64) float64 { return 100 * s })
	summary.Summarize(r)
	if u := r.Cells[0].Utilization; !strings.HasSuffix(u.EnergySource, "; of the whole GPU 0, of which this MIG device is a part") {
		t.Errorf("source %q", u.EnergySource)
	}
}

func TestWhatHeldACardBackIsAWarning(t *testing.T) {
	during := func(from, to, v, otherwise float64) func(float64) float64 {
		return func(s float64) float64 {
			if s > from && s < to {
				return v
			}
			return otherwise
		}
	}
	for name, tt := range map[string]struct {
		about      string
		at         func(float64) float64
		code, text string
	}{
		"heat":                     {record.GPUThermalLimit, during(2.5, 3, 1, 0), record.GPUThermal, "heat held the GPU's clocks down in 1 of 3 blocks"},
		"a power cap":              {record.GPUPowerCap, during(1.5, 3, 1, 0), record.GPUPowerLimit, "the GPU's clocks were held down: the power cap in 2 of 3 blocks"},
		"the power supply":         {record.GPUPowerBrake, always(1), record.GPUPowerLimit, "the power supply's brake in 3 of 3 blocks"},
		"hardware":                 {record.GPUSlowdown, always(1), record.GPUHardware, "in 3 of 3 blocks and did not say why"},
		"a narrow link":            {record.GPULinkWidth, always(8), record.GPULink, "the GPU's PCIe link had 8 of 16 lanes in 3 of 3 blocks"},
		"a slow link":              {record.GPULinkGeneration, during(0, 1.9, 3, 5), record.GPULink, "the GPU's PCIe link had generation 3"},
		"memory errors":            {record.GPUECCErrors, func(s float64) float64 { return 7 + 5*s }, record.GPUECC, "had 20 errors that could not be corrected"},
		"others":                   {record.GPUOthers, during(4.5, 5, 2, 0), record.GPUForeign, "other processes were on the GPU in 1 of 3 blocks"},
		"a full link":              {record.GPULinkWidth, always(16), "", ""},
		"an idle card's link":      {record.GPULinkGeneration, during(0.9, 5.3, 5, 1), "", ""},
		"errors of long ago":       {record.GPUECCErrors, always(7), "", ""},
		"a cap before the blocks":  {record.GPUPowerCap, during(0, 0.9, 1, 0), "", ""},
		"heat only after they end": {record.GPUThermalLimit, during(5.5, 6, 1, 0), "", ""},
	} {
		r := onCard(1)
		sees(&r.Cells[0].Processes[0], tt.about, tt.at)
		sees(&r.Cells[0].Processes[0], record.GPUPercent, always(99))
		summary.Summarize(r)
		summary.Summarize(r)
		switch {
		case tt.code == "" && len(r.Warnings) == 0:
		case tt.code == "" || len(r.Warnings) != 1 || r.Warnings[0].Code != tt.code || r.Warnings[0].Scope != r.Cells[0].Scope() || !strings.Contains(r.Warnings[0].Text, tt.text):
			t.Errorf("%s: %+v, expected %s with %q", name, r.Warnings, tt.code, tt.text)
		}
	}
}

// Of a link whose best nobody told, nothing can be said.
func TestALinkOfUnknownWidthIsNoWarning(t *testing.T) {
	r := onCard(1)
	r.Environment.GPUs[1].PCIeWidthMax = 0
	sees(&r.Cells[0].Processes[0], record.GPULinkWidth, always(8))
	sees(&r.Cells[0].Processes[0], record.GPUPercent, always(99))
	summary.Summarize(r)
	if len(r.Warnings) != 0 {
		t.Errorf("got %+v", r.Warnings)
	}
}
