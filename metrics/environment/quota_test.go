package environment_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/environment"
	"github.com/dlbench/dlbench/metrics/record"
)

func TestAQuotaIsRecordedAndWarnedOf(t *testing.T) {
	files := map[string]string{"proc/cpuinfo": cpuinfo, "proc/meminfo": "MemTotal: 16384000 kB\nMemFree: 100 kB\nMemAvailable: 400 kB\n", "proc/stat": "cpu  1 1 1 1\ncpu0 1 1 1 1\ncpu1 1 1 1 1\n",
		"proc/self/cgroup": "0::/job\n", "sys/fs/cgroup/cgroup.controllers": "cpu memory\n", "sys/fs/cgroup/job/cpu.max": "100000 100000\n", "sys/fs/cgroup/memory.max": "1073741824\n"}
	root := machine(t, files)
	e := environment.Read(t.Context(), environment.Options{Root: root, Cards: func() ([]record.GPU, error) { return nil, nil }})
	if e.CPUQuota != 1 || e.MemoryLimit != 1<<30 || e.MemoryBytes != 16384000<<10 {
		t.Errorf("quota %g, limit %d of %d", e.CPUQuota, e.MemoryLimit, e.MemoryBytes)
	}
	told := func(e record.Environment) bool {
		return slices.ContainsFunc(environment.Conditions(t.Context(), root, e), func(w record.Warning) bool {
			return w.Code == record.CPUQuota && strings.Contains(w.Text, "1.00 of 2 CPUs")
		})
	}
	if !told(e) {
		t.Error("a quota of one of two CPUs is not warned of")
	}
	if e.CPUQuota = 2; told(e) {
		t.Error("a quota of all CPUs is warned of")
	}
}
