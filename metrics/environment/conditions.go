package environment

import (
	"context"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample"
)

// idleTime is how long Conditions looks at what others compute.
const idleTime = 500 * time.Millisecond

// The least that is worth a warning before a run.
const (
	busyCPUs    = 0.1 // CPUs that others keep busy
	busyPercent = 1.0 // CPU time that the hypervisor gives to others
)

// Conditions are the warnings about a machine that is about to be measured on,
// each with what to do. It looks for half a second at what else computes.
func Conditions(ctx context.Context, root string, e record.Environment) record.Warnings {
	warnings := standing(e)
	host, err := sample.NewHost(root)
	if err != nil {
		return warnings
	}
	// Longer than is looked, so that there are two readings, one at each end.
	s := sample.NewSampler(sample.Config{Sources: []sample.Source{host, sample.NewConditions(root)}, Interval: 2 * idleTime})
	s.Start(ctx)
	select {
	case <-ctx.Done():
	case <-time.After(idleTime):
	}
	return append(warnings, busy(s.Stop(), e.LogicalCPUs)...)
}

// standing are the warnings that follow from what the machine is.
func standing(e record.Environment) record.Warnings {
	var warnings record.Warnings
	if e.Governor != "" && e.Governor != "performance" {
		warnings.Add(record.AboutRun, record.Governor, "the governor %s changes the CPUs' clocks with the load", e.Governor)
	}
	if e.CPUQuota > 0 && e.CPUQuota < float64(e.LogicalCPUs) {
		warnings.Add(record.AboutRun, record.CPUQuota, "the control group allows %.2f of %d CPUs: threads that compute longer are stopped until the next period", e.CPUQuota, e.LogicalCPUs)
	}
	if e.Turbo == "on" {
		warnings.Add(record.AboutRun, record.TurboOn, "turbo is on: clocks depend on heat and on how many cores are busy")
	}
	if e.SMT == "on" {
		warnings.Add(record.AboutRun, record.SMTOn, "two hardware threads share each of the %d cores", e.Cores)
	}
	switch e.Virtualization {
	case "", "docker", "podman": // a container on hardware of one's own
	default:
		warnings.Add(record.AboutRun, record.VirtualMachine, "this is a guest (%s): other machines may share its processor", e.Virtualization)
	}
	return warnings
}

// busy are the warnings that follow from what was seen while nothing of ours
// ran.
func busy(seen sample.Recording, cpus int) record.Warnings {
	var warnings record.Warnings
	for _, s := range seen.Series {
		last := s.Values[len(s.Values)-1]
		switch {
		case s.Name == record.SeriesHostCPU && last/100*float64(cpus) > busyCPUs:
			warnings.Add(record.AboutRun, record.BusyMachine, "%.2f of %d CPUs were busy before the run began", last/100*float64(cpus), cpus)
		case s.Name == record.SeriesSteal && last > busyPercent:
			warnings.Add(record.AboutRun, record.StealTime, "the hypervisor gave %.1f %% of the CPU time to others before the run began", last)
		}
	}
	return warnings
}
