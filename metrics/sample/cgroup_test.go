package sample_test

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/metrics/sample"
)

const (
	v2Stat = "usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\nnr_periods 10\nnr_throttled 2\nthrottled_usec 70000\n"
	v1Stat = "nr_periods 10\nnr_throttled 2\nthrottled_time 70000000\n"
)

// The hierarchies as kernels lay them out; every one holds the group /box/a
// with the same figures.
var hierarchies = map[string]struct {
	kind  string
	files map[string]string
}{
	"v2": {sample.CgroupV2, map[string]string{
		"sys/fs/cgroup/cgroup.controllers":   "cpuset cpu io memory pids\n",
		"sys/fs/cgroup/box/a/cpu.stat":       v2Stat,
		"sys/fs/cgroup/box/a/memory.current": "1048576\n",
		"sys/fs/cgroup/box/a/memory.peak":    "4194304\n"}},
	"v1, joint controllers": {sample.CgroupV1, map[string]string{
		"sys/fs/cgroup/cpu,cpuacct/box/a/cpuacct.usage":          "1500000000\n",
		"sys/fs/cgroup/cpu,cpuacct/box/a/cpu.stat":               v1Stat,
		"sys/fs/cgroup/memory/box/a/memory.usage_in_bytes":       "1048576\n",
		"sys/fs/cgroup/memory/box/a/memory.max_usage_in_bytes":   "4194304\n",
		"sys/fs/cgroup/cpuset/box/a/cpuset.cpus":                 "0-1\n",
		"sys/fs/cgroup/memory/memory.usage_in_bytes":             "9\n",
		"sys/fs/cgroup/cpu,cpuacct/cpuacct.usage":                "9\n",
		"sys/fs/cgroup/memory/box/memory.max_usage_in_bytes":     "9\n",
		"sys/fs/cgroup/cpu,cpuacct/box/unrelated/cpuacct.usage":  "9\n",
		"sys/fs/cgroup/memory/box/unrelated/memory.limit_in_byt": "9\n"}},
	"v1, single controllers": {sample.CgroupV1, map[string]string{
		"sys/fs/cgroup/cpuacct/box/a/cpuacct.usage":            "1500000000\n",
		"sys/fs/cgroup/cpu/box/a/cpu.stat":                     v1Stat,
		"sys/fs/cgroup/memory/box/a/memory.usage_in_bytes":     "1048576\n",
		"sys/fs/cgroup/memory/box/a/memory.max_usage_in_bytes": "4194304\n"}},
	"hybrid": {sample.CgroupHybrid, map[string]string{
		"sys/fs/cgroup/unified/cgroup.controllers":             "\n",
		"sys/fs/cgroup/unified/box/a/cpu.stat":                 "usage_usec 9\n",
		"sys/fs/cgroup/cpuacct/box/a/cpuacct.usage":            "1500000000\n",
		"sys/fs/cgroup/cpu/box/a/cpu.stat":                     v1Stat,
		"sys/fs/cgroup/memory/box/a/memory.usage_in_bytes":     "1048576\n",
		"sys/fs/cgroup/memory/box/a/memory.max_usage_in_bytes": "4194304\n"}},
}

func TestCgroup(t *testing.T) {
	for name, tt := range hierarchies {
		t.Run(name, func(t *testing.T) {
			root := tree(t, tt.files)
			if kind := sample.CgroupKind(root); kind != tt.kind {
				t.Errorf("kind %q, expected %q", kind, tt.kind)
			}
			group, err := sample.OpenCgroup(root, "/box/a")
			if err != nil {
				t.Fatal(err)
			}
			says(t, group, map[string]float64{cpuName: 1.5e9, memoryName: 1 << 20, sample.MemoryPeak: 4 << 20, throttledName: 7e7}, nil)
			if err := group.Close(); err != nil {
				t.Error(err)
			}
			if err := group.Close(); err != nil {
				t.Errorf("the second close: %v", err)
			}
		})
	}
}

func TestCgroupIsReadAnew(t *testing.T) {
	root := tree(t, hierarchies["v2"].files)
	group, err := sample.OpenCgroup(root, "box/a")
	if err != nil {
		t.Fatal(err)
	}
	reading(group)
	write(t, filepath.Join(root, "sys/fs/cgroup/box/a/cpu.stat"), "usage_usec 2500000\n")
	write(t, filepath.Join(root, "sys/fs/cgroup/box/a/memory.current"), "5\n")
	says(t, group, map[string]float64{cpuName: 2.5e9, memoryName: 5, sample.MemoryPeak: 4 << 20},
		map[string]string{throttledName: "cpu.stat has no throttled_usec"})
	write(t, filepath.Join(root, "sys/fs/cgroup/box/a/memory.current"), "max\n")
	if r := reading(group)[memoryName]; r.Err == nil || !strings.Contains(r.Err.Error(), `memory.current: "max\n" is not a number`) {
		t.Errorf("got %+v", r)
	}
}

func TestCgroupWithoutSomeFiles(t *testing.T) {
	root := tree(t, map[string]string{
		"sys/fs/cgroup/cgroup.controllers": "cpu\n",
		"sys/fs/cgroup/box/cpu.stat":       "usage_usec 1\n"})
	group, err := sample.OpenCgroup(root, "/box")
	if err != nil {
		t.Fatal(err)
	}
	says(t, group, map[string]float64{cpuName: 1000}, map[string]string{memoryName: "memory.current: no such file",
		sample.MemoryPeak: "memory.peak: no such file", throttledName: "has no throttled_usec"})

	root = tree(t, map[string]string{"sys/fs/cgroup/cpuacct/box/cpuacct.usage": "7\n"})
	if group, err = sample.OpenCgroup(root, "/box"); err != nil {
		t.Fatal(err)
	}
	says(t, group, map[string]float64{cpuName: 7}, map[string]string{memoryName: "no such file",
		sample.MemoryPeak: "no such file", throttledName: "cpu.stat: no such file"})
}

func TestNoCgroup(t *testing.T) {
	root := tree(t, hierarchies["v2"].files)
	if _, err := sample.OpenCgroup(root, "/box/b"); err == nil || !strings.Contains(err.Error(), "control group /box/b: open ") {
		t.Errorf("got %v", err)
	}
	write(t, filepath.Join(root, "cpu.stat"), v2Stat)
	if _, err := sample.OpenCgroup(root, "../../.."); err == nil {
		t.Error("a path led out of the hierarchy")
	}
	empty := t.TempDir()
	if kind := sample.CgroupKind(empty); kind != "" {
		t.Errorf("an empty machine has the kind %q", kind)
	}
	if _, err := sample.OpenCgroup(empty, "/box"); err == nil || !strings.Contains(err.Error(), "no control groups are mounted") {
		t.Errorf("got %v", err)
	}
}

func TestRunnerFallsBack(t *testing.T) {
	root := tree(t, hierarchies["v2"].files)
	self := os.Getpid()
	for name, text := range map[string]string{"stat": statLine(self, "x", 1, 2, 3, 4, 5), "status": "VmHWM:\t 8 kB\n"} {
		write(t, filepath.Join(root, procPath(self), name), text)
	}
	says(t, sample.Runner(root, sample.Target{PID: self, Cgroup: "/box/a"}),
		map[string]float64{cpuName: 1.5e9, memoryName: 1 << 20, sample.MemoryPeak: 4 << 20, throttledName: 7e7}, nil)

	page := float64(os.Getpagesize())
	own := map[string]float64{cpuName: 10 * 1e7, memoryName: 5 * page, sample.MemoryPeak: 8192}
	says(t, sample.Runner(root, sample.Target{PID: self}), own, map[string]string{throttledName: "no control group of its own"})
	says(t, sample.Runner(root, sample.Target{PID: self, Cgroup: "/gone"}), own, map[string]string{throttledName: "control group /gone: open"})

	both := "control group /gone: open"
	says(t, sample.Runner(root, sample.Target{PID: 1 << 30, Cgroup: "/gone"}), nil,
		map[string]string{cpuName: both, memoryName: both, sample.MemoryPeak: both, throttledName: "; and process 1073741824: open"})
	neither := "the engine names neither a control group nor a process"
	says(t, sample.Runner(root, sample.Target{}), nil,
		map[string]string{cpuName: neither, memoryName: neither, sample.MemoryPeak: neither, throttledName: neither})
}

func TestMemoryLimit(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"v2":           {map[string]string{"cgroup.controllers": "memory\n", "box/memory.max": "1048576\n"}, 1 << 20},
		"v2 unlimited": {map[string]string{"cgroup.controllers": "memory\n", "box/memory.max": "max\n"}, math.MaxInt64},
		"v1":           {map[string]string{"memory/box/memory.limit_in_bytes": "2097152\n"}, 2 << 20},
	} {
		files := map[string]string{}
		for file, text := range tt.files {
			files["sys/fs/cgroup/"+file] = text
		}
		if got, err := sample.MemoryLimit(tree(t, files), "/box"); err != nil || got != tt.want {
			t.Errorf("%s: %d, %v, expected %d", name, got, err, tt.want)
		}
	}
	if _, err := sample.MemoryLimit(t.TempDir(), "/box"); err == nil {
		t.Error("a group that is not there has a limit")
	}
}
