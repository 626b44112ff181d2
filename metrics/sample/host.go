package sample

import (
	"context"
	"errors"
	"path/filepath"

	"github.com/shirou/gopsutil/v3/common"
	"github.com/shirou/gopsutil/v3/cpu"
	"github.com/shirou/gopsutil/v3/mem"

	"github.com/dlbench/dlbench/metrics/record"
)

// Host is the whole machine's CPU time and memory in use.
type Host struct {
	ctx  context.Context
	cpus int
}

// HostMemory is the name of the series of the machine's memory in use.
const HostMemory = "host_memory_bytes"

// NewHost meters the machine whose /proc and /sys lie under root, "/" for this
// one.
func NewHost(root string) (*Host, error) {
	ctx := InRoot(context.Background(), root)
	cpus, err := cpu.CountsWithContext(ctx, true)
	if err != nil {
		return nil, err
	}
	if cpus == 0 {
		return nil, errors.New("count the CPUs of " + root + "proc: there are none")
	}
	return &Host{ctx: ctx, cpus: cpus}, nil
}

// InRoot makes gopsutil read the machine whose files lie under root.
func InRoot(ctx context.Context, root string) context.Context {
	return context.WithValue(ctx, common.EnvKey, common.EnvMap{
		common.HostProcEnvKey: filepath.Join(root, "proc"),
		common.HostSysEnvKey:  filepath.Join(root, "sys"),
		common.HostEtcEnvKey:  filepath.Join(root, "etc"),
		common.HostRunEnvKey:  filepath.Join(root, "run"),
		common.HostVarEnvKey:  filepath.Join(root, "var"),
		common.HostRootEnvKey: root,
	})
}

// Channels are host_cpu_percent, 100 for every CPU busy, and host_memory_bytes.
func (h *Host) Channels() []Channel {
	return []Channel{
		{Name: record.SeriesHostCPU, Unit: "%", Kind: Rate, Scale: 100 * 1e9 / float64(h.cpus)}, // from seconds of CPU time
		{Name: HostMemory, Unit: "bytes", Scale: 1},
	}
}

// Read counts as busy what is neither idle nor waiting for a disk, nor stolen
// by the hypervisor.
func (h *Host) Read(into []Reading) {
	into[0].Value, into[0].Err = h.busySeconds()
	memory, err := mem.VirtualMemoryWithContext(h.ctx)
	if err == nil && memory.Total == 0 { // gopsutil takes a missing file for an empty one
		err = errors.New("/proc/meminfo names no MemTotal")
	}
	if err != nil {
		into[1].Err = err
		return
	}
	into[1].Value = float64(memory.Total - memory.Available)
}

func (h *Host) busySeconds() (float64, error) {
	times, err := cpu.TimesWithContext(h.ctx, false)
	if err != nil {
		return 0, err
	}
	if len(times) == 0 {
		return 0, errors.New("/proc/stat has no line for all CPUs")
	}
	t := times[0]
	return t.User + t.Nice + t.System + t.Irq + t.Softirq, nil
}
