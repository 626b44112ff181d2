package sample_test

import (
	"maps"
	"testing"

	"github.com/dlbench/dlbench/metrics/sample"
)

const (
	v2Root = "sys/fs/cgroup/"
	cpuV1  = "sys/fs/cgroup/cpu,cpuacct/"
	memV1  = "sys/fs/cgroup/memory/"
)

func TestOwnLimits(t *testing.T) {
	v2 := map[string]string{v2Root + "cgroup.controllers": "cpu memory\n", "proc/self/cgroup": "0::/user.slice/job/step\n"}
	v1 := map[string]string{"proc/self/cgroup": "4:cpu,cpuacct:/jobs/one\n3:memory:/jobs/one\n1:name=systemd:/x\n", memV1 + "memory.limit_in_bytes": "9223372036854771712\n",
		cpuV1 + "cpu.cfs_quota_us": "-1\n", cpuV1 + "cpu.cfs_period_us": "100000\n"}
	for name, tt := range map[string]struct {
		base, files map[string]string
		want        sample.Limits
	}{
		"v2, none":        {v2, map[string]string{v2Root + "user.slice/job/step/cpu.max": "max 100000\n", v2Root + "user.slice/job/step/memory.max": "max\n"}, sample.Limits{}},
		"v2, own":         {v2, map[string]string{v2Root + "user.slice/job/step/cpu.max": "100000 100000\n", v2Root + "user.slice/job/step/memory.max": "1073741824\n"}, sample.Limits{CPUs: 1, MemoryBytes: 1 << 30}},
		"v2, above":       {v2, map[string]string{v2Root + "user.slice/cpu.max": "150000 100000\n", v2Root + "user.slice/job/memory.max": "2147483648\n"}, sample.Limits{CPUs: 1.5, MemoryBytes: 2 << 30}},
		"v2, smallest":    {v2, map[string]string{v2Root + "user.slice/cpu.max": "50000 100000\n", v2Root + "user.slice/job/step/cpu.max": "400000 100000\n", v2Root + "user.slice/memory.max": "4096\n", v2Root + "user.slice/job/memory.max": "8192\n"}, sample.Limits{CPUs: 0.5, MemoryBytes: 4096}},
		"v2, a container": {v2, map[string]string{"proc/self/cgroup": "0::/\n", v2Root + "cpu.max": "200000 100000\n", v2Root + "memory.max": "4096\n"}, sample.Limits{CPUs: 2, MemoryBytes: 4096}},
		"v2, broken":      {v2, map[string]string{v2Root + "user.slice/job/cpu.max": "a b\n", v2Root + "user.slice/cpu.max": "1 0\n", v2Root + "user.slice/memory.max": "much\n"}, sample.Limits{}},
		"v1, none":        {v1, nil, sample.Limits{}},
		"v1, own":         {v1, map[string]string{cpuV1 + "jobs/one/cpu.cfs_quota_us": "50000\n", cpuV1 + "jobs/one/cpu.cfs_period_us": "100000\n", memV1 + "jobs/one/memory.limit_in_bytes": "1073741824\n"}, sample.Limits{CPUs: 0.5, MemoryBytes: 1 << 30}},
		"v1, above":       {v1, map[string]string{cpuV1 + "jobs/cpu.cfs_quota_us": "300000\n", cpuV1 + "jobs/cpu.cfs_period_us": "100000\n", memV1 + "jobs/memory.limit_in_bytes": "4096\n", memV1 + "jobs/one/memory.limit_in_bytes": "8192\n"}, sample.Limits{CPUs: 3, MemoryBytes: 4096}},
		"nothing mounted": {map[string]string{"proc/self/cgroup": "0::/x\n"}, nil, sample.Limits{}},
	} {
		t.Run(name, func(t *testing.T) {
			files := maps.Clone(tt.base)
			maps.Copy(files, tt.files)
			if got := sample.OwnLimits(tree(t, files)); got != tt.want {
				t.Errorf("got %+v, expected %+v", got, tt.want)
			}
		})
	}
	if got := sample.GroupLimits(tree(t, map[string]string{v2Root + "cgroup.controllers": "", v2Root + "machine.slice/cpu.max": "100000 100000\n"}), "/machine.slice/libpod-1.scope"); got.CPUs != 1 {
		t.Errorf("a group that is not there yet, below one with a quota: %+v", got)
	}
}

// The CPUs of a group are those of the nearest one above that says so: it may not
// be there yet, or not have the controller.
func TestCPUSetOfAGroup(t *testing.T) {
	v2 := map[string]string{v2Root + "cgroup.controllers": "cpuset cpu\n", v2Root + "cpuset.cpus.effective": "0-63\n"}
	v1 := map[string]string{"sys/fs/cgroup/cpuset/cpuset.effective_cpus": "0-63\n", "sys/fs/cgroup/cpuset/docker/cpuset.effective_cpus": "4-7\n"}
	for name, tt := range map[string]struct {
		base, files map[string]string
		group, want string
	}{
		"of its own":         {v2, map[string]string{v2Root + "machine.slice/cpuset.cpus.effective": "2-5\n"}, "/machine.slice", "2-5"},
		"above":              {v2, map[string]string{v2Root + "a/cpuset.cpus.effective": "1,3\n", v2Root + "a/b/cpu.max": "max 100000\n"}, "/a/b/c", "1,3"},
		"empty, then above":  {v2, map[string]string{v2Root + "a/cpuset.cpus.effective": "\n"}, "/a", "0-63"},
		"v1":                 {v1, nil, "/docker/x", "4-7"},
		"without controller": {map[string]string{v2Root + "cgroup.controllers": "cpu\n"}, nil, "/a", ""},
	} {
		files := maps.Clone(tt.base)
		maps.Copy(files, tt.files)
		if got := sample.GroupLimits(tree(t, files), tt.group); got.CPUSet != tt.want {
			t.Errorf("%s: %q, expected %q", name, got.CPUSet, tt.want)
		}
	}
}

func TestWhatLimitsHaveRoomFor(t *testing.T) {
	for _, tt := range []struct {
		limits  sample.Limits
		threads int
		memory  int64
	}{{sample.Limits{}, 4, 100}, {sample.Limits{CPUs: 0.5, MemoryBytes: 50}, 1, 50}, {sample.Limits{CPUs: 2.9, MemoryBytes: 200}, 2, 100}, {sample.Limits{CPUs: 64}, 4, 100}} {
		if threads, memory := tt.limits.Threads(4), tt.limits.Memory(100); threads != tt.threads || memory != tt.memory {
			t.Errorf("%+v has room for %d threads and %d bytes, expected %d and %d", tt.limits, threads, memory, tt.threads, tt.memory)
		}
	}
}

func TestLimitsThatBothHold(t *testing.T) {
	none, some := sample.Limits{}, sample.Limits{CPUs: 2, MemoryBytes: 50}
	for _, tt := range []struct{ one, other, want sample.Limits }{
		{none, none, none}, {some, none, some}, {none, some, some},
		{some, sample.Limits{CPUSet: "1-2"}, sample.Limits{CPUs: 2, MemoryBytes: 50, CPUSet: "1-2"}},
		{some, sample.Limits{CPUs: 1.5, MemoryBytes: 80}, sample.Limits{CPUs: 1.5, MemoryBytes: 50}},
	} {
		if got := tt.one.And(tt.other); got != tt.want {
			t.Errorf("%+v and %+v is %+v, expected %+v", tt.one, tt.other, got, tt.want)
		}
	}
}
