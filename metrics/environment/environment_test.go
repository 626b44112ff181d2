package environment_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/dlbench/dlbench/metrics/environment"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample"
)

const cpuinfo = `processor	: 0
vendor_id	: GenuineIntel
model name	: Intel(R) Xeon(R) Gold 6430
physical id	: 0
core id		: 0
cpu cores	: 1
microcode	: 0x2b000590
flags		: fpu vme sse4_2 sse avx2 avx512f fma f16c amx_tile aes hypervisor smep avx2

processor	: 1
vendor_id	: GenuineIntel
model name	: Intel(R) Xeon(R) Gold 6430
physical id	: 0
core id		: 0
cpu cores	: 1
microcode	: 0x2b000590
flags		: fpu vme sse4_2 sse avx2 avx512f fma f16c amx_tile aes hypervisor smep avx2
`

func machine(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestRead(t *testing.T) {
	root := machine(t, map[string]string{
		"proc/cpuinfo":                                              cpuinfo,
		"proc/meminfo":                                              "MemTotal: 1024 kB\nMemFree: 100 kB\nMemAvailable: 400 kB\n",
		"proc/stat":                                                 "cpu  1 1 1 1\ncpu0 1 1 1 1\ncpu1 1 1 1 1\n",
		"proc/sys/kernel/osrelease":                                 "6.8.0-45-generic\n",
		"etc/os-release":                                            "NAME=\"Ubuntu\"\nPRETTY_NAME=\"Ubuntu 24.04.1 LTS\"\n",
		"sys/fs/cgroup/cgroup.controllers":                          "cpu memory\n",
		"sys/devices/system/cpu/smt/active":                         "1\n",
		"sys/class/powercap/intel-rapl:0/name":                      "package-0\n",
		"sys/class/powercap/intel-rapl:0/energy_uj":                 "12\n",
		"sys/class/powercap/intel-rapl:0/max_energy_range_uj":       "262143328850\n",
		"sys/devices/system/cpu/intel_pstate/no_turbo":              "1\n",
		"sys/devices/system/cpu/cpu0/cpufreq/scaling_governor":      "performance\n",
		"sys/devices/system/cpu/cpu1/cpufreq/scaling_governor":      "powersave\n",
		"sys/devices/system/cpu/cpu0/topology/core_cpus_list":       "0-1\n",
		"sys/devices/system/cpu/cpu1/topology/core_cpus_list":       "0-1\n",
		"sys/devices/system/cpu/cpu0/topology/thread_siblings_list": "0-1\n",
		"sys/devices/system/cpu/cpu1/topology/thread_siblings_list": "0-1\n",
	})
	cards := []record.GPU{{Name: "homemade"}}
	got := environment.Read(t.Context(), environment.Options{Root: root, Cards: func() ([]record.GPU, error) { return cards, nil }})
	want := record.Environment{OS: "Ubuntu 24.04.1 LTS", Kernel: "6.8.0-45-generic", CPU: "Intel(R) Xeon(R) Gold 6430",
		Microcode: "0x2b000590", CPUFlags: []string{"amx_tile", "avx2", "avx512f", "f16c", "fma", "sse", "sse4_2"}, Cores: 1, LogicalCPUs: 2, MemoryBytes: 1 << 20,
		Governor: "performance, powersave", SMT: "on", Turbo: "off", Virtualization: "unnamed hypervisor", CPUEnergy: "RAPL, 1 package", Cgroup: sample.CgroupV2, GPUs: cards, Missing: map[string]string{}}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(record.Environment{}, "Host", "Fingerprint")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if name, err := os.Hostname(); err != nil || got.Host != name {
		t.Errorf("host %q, expected %q", got.Host, name)
	}
}

func TestVirtualization(t *testing.T) {
	guest, metal := map[string]string{"proc/cpuinfo": cpuinfo}, map[string]string{"proc/cpuinfo": strings.ReplaceAll(cpuinfo, " hypervisor", "")}
	for name, tt := range map[string]struct {
		machine map[string]string
		add     []string
		want    string
	}{
		"bare metal":         {metal, []string{"sys/class/dmi/id/sys_vendor", "Dell Inc."}, ""},
		"container on metal": {metal, []string{"run/.containerenv", ""}, "podman"},
		"named guest":        {guest, []string{"sys/class/dmi/id/sys_vendor", "QEMU\n"}, "QEMU"},
		"xen":                {guest, []string{"sys/hypervisor/type", "xen\n"}, "xen"},
		"container in guest": {guest, []string{".dockerenv", ""}, "unnamed hypervisor, docker"},
	} {
		files := maps.Clone(tt.machine)
		files[tt.add[0]] = tt.add[1]
		got := environment.Read(t.Context(), environment.Options{Root: machine(t, files), Cards: environment.Cards(nil, sample.ErrNoDriver)})
		if got.Virtualization != tt.want {
			t.Errorf("%s: %q, expected %q", name, got.Virtualization, tt.want)
		}
	}
}

func TestAnEmptyMachineHasReasons(t *testing.T) {
	got := environment.Read(t.Context(), environment.Options{Root: t.TempDir(), Cards: environment.Cards(nil, sample.ErrNoDriver)})
	for what, part := range map[string]string{"os": "no os-release", "kernel": "osrelease: no such file", "cpu": "cpuinfo", "memory": "meminfo",
		"governor": "no cpufreq", "turbo": "no cpufreq", "smt": "whether hardware threads share cores", "cgroup": "no control groups", record.SeriesCPUEnergy: "intel_rapl_msr", "gpu": "driver library not found"} {
		if !strings.Contains(got.Missing[what], part) {
			t.Errorf("%s: the reason is %q, expected %q", what, got.Missing[what], part)
		}
	}
	if got.CPU != "" || got.MemoryBytes != 0 || got.Cgroup != "" {
		t.Errorf("got %+v", got)
	}
}

func TestThisMachine(t *testing.T) {
	got := environment.Read(t.Context(), environment.Options{Root: "/", Cards: environment.Cards(sample.OpenGPU())})
	if got.CPU == "" || got.Cores < 1 || got.LogicalCPUs < got.Cores || got.MemoryBytes <= 0 || got.Kernel == "" || got.OS == "" {
		t.Errorf("got %+v", got)
	}
	if len(got.GPUs) == 0 && got.Missing["gpu"] == "" {
		t.Error("no GPU, and no reason")
	}
	if slices.Contains(got.CPUFlags, "fpu") {
		t.Errorf("flags %v", got.CPUFlags)
	}
	t.Logf("%+v", got)
}
