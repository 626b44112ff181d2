// Package environment describes the machine that a campaign runs on.
package environment

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/shirou/gopsutil/v3/cpu"
	"github.com/shirou/gopsutil/v3/mem"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample"
)

// Options say where to look.
type Options struct {
	Root  string                       // "/" for this machine; /proc, /sys and /etc are read below it
	Cards func() ([]record.GPU, error) // see Cards
}

// Read describes the machine. It never fails: what cannot be found out is
// empty, and named in Missing with the reason. Engine and EngineVersion are
// the caller's to fill.
func Read(ctx context.Context, o Options) record.Environment {
	r := reader{Options: o, ctx: sample.InRoot(ctx, o.Root), missing: map[string]string{}}
	e := record.Environment{CPUFlags: []string{}, GPUs: []record.GPU{}}
	r.host(&e)
	r.cpu(&e)
	r.memory(&e)
	limits := sample.OwnLimits(o.Root)
	e.CPUQuota, e.MemoryLimit = limits.CPUs, limits.MemoryBytes
	e.Governor = r.governor()
	e.SMT = r.smt()
	e.Turbo = r.turbo()
	e.CPUEnergy = r.energyCounters()
	e.Cgroup = sample.CgroupKind(o.Root)
	if e.Cgroup == "" {
		r.miss("cgroup", errors.New("no control groups are mounted"))
	}
	cards, err := o.Cards()
	if err != nil {
		r.miss("gpu", err)
	}
	e.GPUs = append(e.GPUs, cards...)
	for i, c := range e.GPUs {
		e.GPUs[i].Peak = CardPeak(c.Name)
	}
	e.Fingerprint = r.fingerprint(e)
	e.Missing = r.missing
	return e
}

// Cards are the GPUs of an opened driver and why some are not among them, or
// why there is none: the two results of sample.OpenGPU.
func Cards(gpu sample.GPU, err error) func() ([]record.GPU, error) {
	return func() ([]record.GPU, error) {
		if err != nil {
			return nil, err
		}
		return gpu.Cards(), gpu.Unreadable()
	}
}

type reader struct {
	Options
	ctx     context.Context
	missing map[string]string
}

func (r *reader) miss(what string, err error) { r.missing[what] = err.Error() }

func (r *reader) host(e *record.Environment) {
	name, err := os.Hostname()
	if err != nil {
		r.miss("host", err)
	}
	e.Host = name
	if e.Kernel, err = r.text("proc/sys/kernel/osrelease"); err != nil {
		r.miss("kernel", err)
	}
	if e.OS, err = r.distribution(); err != nil {
		r.miss("os", err)
	}
}

// distribution is PRETTY_NAME of os-release(5).
func (r *reader) distribution() (string, error) {
	for _, file := range []string{"etc/os-release", "usr/lib/os-release"} {
		text, err := r.text(file)
		if err != nil {
			continue
		}
		for line := range strings.Lines(text) {
			if name, ok := strings.CutPrefix(strings.TrimSpace(line), "PRETTY_NAME="); ok {
				return strings.Trim(name, `"'`), nil
			}
		}
	}
	return "", errors.New("no os-release file names the distribution")
}

func (r *reader) cpu(e *record.Environment) {
	infos, err := cpu.InfoWithContext(r.ctx)
	if err == nil && len(infos) == 0 {
		err = errors.New("/proc/cpuinfo lists no CPU")
	}
	if err != nil {
		r.miss("cpu", err)
		return
	}
	e.CPU = infos[0].ModelName
	if e.CPU == "" {
		r.miss("cpu", errors.New("/proc/cpuinfo names no model"))
	}
	e.CPUFlags, e.Microcode = vectorExtensions(infos[0].Flags), infos[0].Microcode
	e.Virtualization = r.virtualization(slices.Contains(infos[0].Flags, "hypervisor"))
	if e.LogicalCPUs, err = cpu.CountsWithContext(r.ctx, true); err != nil {
		r.miss("logical_cpus", err)
	}
	if e.Cores, err = cpu.CountsWithContext(r.ctx, false); err != nil || e.Cores == 0 {
		r.miss("cores", errors.Join(err, errors.New("the kernel does not tell CPUs from cores; taken as the same")))
		e.Cores = e.LogicalCPUs
	}
}

func (r *reader) memory(e *record.Environment) {
	memory, err := mem.VirtualMemoryWithContext(r.ctx)
	if err == nil && memory.Total == 0 {
		err = errors.New("/proc/meminfo names no MemTotal")
	}
	if err != nil {
		r.miss("memory", err)
		return
	}
	e.MemoryBytes = int64(memory.Total)
}

// governor is that of the CPUs, or all of them when they differ.
func (r *reader) governor() string {
	files, err := filepath.Glob(filepath.Join(r.Root, "sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor"))
	if err == nil && len(files) == 0 {
		err = errors.New("the kernel does not set the CPUs' frequency here (no cpufreq)")
	}
	if err != nil {
		r.miss("governor", err)
		return ""
	}
	var governors []string
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil {
			governors = append(governors, strings.TrimSpace(string(text)))
		}
	}
	slices.Sort(governors)
	return strings.Join(slices.Compact(governors), ", ")
}

// smt says whether two hardware threads share a core.
func (r *reader) smt() string {
	text, err := r.text("sys/devices/system/cpu/smt/active")
	if err != nil {
		r.miss("smt", errors.New("the kernel does not say whether hardware threads share cores here"))
		return ""
	}
	return onOff(text == "1")
}

// turbo says whether clocks rise above the nominal one while there is room for
// heat: the Intel driver says whether that is off, the others whether it is on.
func (r *reader) turbo() string {
	if text, err := r.text("sys/devices/system/cpu/intel_pstate/no_turbo"); err == nil {
		return onOff(text == "0")
	}
	if text, err := r.text("sys/devices/system/cpu/cpufreq/boost"); err == nil {
		return onOff(text == "1")
	}
	r.miss("turbo", errors.New("the kernel does not set the CPUs' frequency here (no cpufreq)"))
	return ""
}

// energyCounters says what counts the energy of the processors.
func (r *reader) energyCounters() string {
	counters := sample.OpenRAPL(r.Root)
	defer func() { _ = counters.Close() }() // it was only read
	if err := counters.Reason(); err != nil {
		r.miss(record.SeriesCPUEnergy, err)
		return ""
	}
	if n := counters.Packages(); n > 1 {
		return fmt.Sprintf("RAPL, %d packages", n)
	}
	return "RAPL, 1 package"
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func (r *reader) text(path string) (string, error) {
	text, err := os.ReadFile(filepath.Join(r.Root, path))
	if err != nil {
		return "", fmt.Errorf("read the machine's description: %w", err)
	}
	return strings.TrimSpace(string(text)), nil
}

// vectorPrefixes begin the names of vector and matrix extensions: x86's and
// Arm's.
var vectorPrefixes = []string{"sse", "ssse", "avx", "fma", "f16c", "amx", "neon", "asimd", "sve", "fphp", "bf16", "i8mm"}

// vectorExtensions are the flags that decide which kernels a framework picks,
// sorted, each once.
func vectorExtensions(flags []string) []string {
	found := []string{}
	for _, flag := range flags {
		if slices.ContainsFunc(vectorPrefixes, func(p string) bool { return strings.HasPrefix(flag, p) }) {
			found = append(found, flag)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
