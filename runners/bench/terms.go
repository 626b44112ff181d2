package bench

import (
	"context"
	"fmt"
	"slices"

	"github.com/shirou/gopsutil/v3/mem"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/workloads/plan"
)

// termsOn are the conditions that every runner gets on these devices, under the
// limits of control groups.
func (s Setup) termsOn(devices []device.Device, limits sample.Limits) (record.Terms, error) {
	t := record.Terms{Device: device.Terms(devices), Threads: s.Threads}
	allowed, err := allowedUnder(limits)
	if err != nil {
		return t, err
	}
	cpus := allowed
	if s.CPUs != "" {
		if cpus, err = engine.ParseCPUs(s.CPUs); err != nil {
			return t, UsageError(fmt.Errorf("--cpus: %w", err))
		}
		for _, cpu := range cpus {
			if !slices.Contains(allowed, cpu) {
				return t, UsageError(fmt.Errorf("--cpus: CPU %d is not one of %s that this process may use", cpu, engine.FormatCPUs(allowed)))
			}
		}
	}
	if t.Threads < 0 {
		return t, UsageError(fmt.Errorf("--threads is %d, expected at least 1", t.Threads))
	}
	if t.Threads == 0 {
		t.Threads = limits.Threads(len(cpus))
	}
	t.CPUs = engine.FormatCPUs(cpus)
	t.MemoryBytes, err = memoryLimit(limits)
	return t, err
}

// allowedUnder are the CPUs of both: this process's, and those of the control
// group that an engine puts containers below.
func allowedUnder(limits sample.Limits) ([]int, error) {
	allowed, err := engine.AllowedCPUs()
	if err != nil || limits.CPUSet == "" {
		return allowed, err
	}
	theirs, err := engine.ParseCPUs(limits.CPUSet)
	if err != nil {
		return nil, fmt.Errorf("the control group of containers: %w", err)
	}
	both := slices.DeleteFunc(slices.Clone(allowed), func(cpu int) bool { return !slices.Contains(theirs, cpu) })
	if len(both) == 0 {
		return nil, EnvironmentError(fmt.Errorf("this process may use CPUs %s, and containers only %s", engine.FormatCPUs(allowed), limits.CPUSet),
			"start dlbench on some of these CPUs, or give the engine's control group (cpuset.cpus) some of this process's; --engine local needs none")
	}
	return both, nil
}

// MostThreads are those of a run for which nobody asked for a number; 0 if
// this machine does not tell.
func (s Setup) MostThreads() int {
	s.Threads = 0
	t, err := s.termsOn([]device.Device{device.CPU}, sample.OwnLimits("/"))
	if err != nil {
		return 0
	}
	return t.Threads
}

// threadsOf is the largest number of threads that workloads have of their own,
// and whether all have one.
func threadsOf(ids []plan.ID) (most int, all bool) {
	for _, id := range ids {
		most = max(most, id.Threads)
	}
	return most, len(ids) > 0 && !slices.ContainsFunc(ids, func(id plan.ID) bool { return id.Threads == 0 })
}

// limitsOn are those of this process and of what an engine starts for it.
func limitsOn(ctx context.Context, e engine.Engine) sample.Limits {
	limits := sample.OwnLimits("/")
	if containers, ok := e.(*engine.CLI); ok {
		limits = limits.And(containers.ParentLimits(ctx))
	}
	return limits
}

// cpuSet is what is allowed of a machine's CPUs; empty if that is all of them, or
// not known.
func cpuSet(all int, limits sample.Limits) string {
	allowed, err := allowedUnder(limits)
	if err != nil || len(allowed) >= all {
		return ""
	}
	return engine.FormatCPUs(allowed)
}

// memoryShare is what one runner may take of the memory that dlbench may use: the rest is
// the harness's and the system's, so that a runner that wants too much is ended
// by its own limit and not at random.
const memoryShare = 0.85

func memoryLimit(limits sample.Limits) (int64, error) {
	memory, err := memoryHere()
	memory = limits.Memory(memory)
	return int64(float64(memory)*memoryShare) &^ (1<<20 - 1), err
}

// memoryHere is what dlbench may use of this machine.
func memoryHere() (int64, error) {
	memory, err := mem.VirtualMemory()
	if err != nil {
		return 0, fmt.Errorf("ask for the machine's memory: %w", err)
	}
	return sample.OwnLimits("/").Memory(int64(memory.Total)), nil
}
