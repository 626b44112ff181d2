package sample

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Limits are what a process may use at most, by the smallest limit of its
// control group and of those above it.
type Limits struct {
	CPUs        float64 // the quota in CPUs: 1.5 is one and a half; 0 is none
	MemoryBytes int64   // 0 is none
	CPUSet      string  // of another process's group, a list like "0-3"; this process's is in its affinity. Empty is none
}

// Threads is how many threads a quota has room for, of so many CPUs: whole, and
// at least one. More of them would only wait for their turn.
func (l Limits) Threads(cpus int) int {
	if l.CPUs <= 0 {
		return cpus
	}
	return min(cpus, max(1, int(l.CPUs)))
}

// Memory is what a process may use of so many bytes of memory.
func (l Limits) Memory(bytes int64) int64 {
	if l.MemoryBytes <= 0 {
		return bytes
	}
	return min(bytes, l.MemoryBytes)
}

// And is what is left of limits that both hold.
func (l Limits) And(other Limits) Limits {
	if l.CPUs <= 0 || other.CPUs > 0 && other.CPUs < l.CPUs {
		l.CPUs = other.CPUs
	}
	if l.MemoryBytes <= 0 || other.MemoryBytes > 0 && other.MemoryBytes < l.MemoryBytes {
		l.MemoryBytes = other.MemoryBytes
	}
	if l.CPUSet == "" {
		l.CPUSet = other.CPUSet
	}
	return l
}

// OwnLimits are those of this process, as /proc/self/cgroup under root names its
// groups. What cannot be read limits nothing.
func OwnLimits(root string) Limits {
	text, err := os.ReadFile(filepath.Join(root, "proc/self/cgroup"))
	if err != nil {
		return Limits{}
	}
	paths := map[string]string{} // controller → path; "" is v2
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		for controller := range strings.SplitSeq(parts[1], ",") {
			paths[controller] = parts[2]
		}
	}
	if CgroupKind(root) == CgroupV2 {
		return limitsOf(root, paths[""], paths[""])
	}
	return limitsOf(root, paths["cpu"], paths["memory"])
}

// GroupLimits are those of a control group, which may be one that a container's
// is put below.
func GroupLimits(root, path string) Limits {
	l := limitsOf(root, path, path)
	l.CPUSet = cpuSetOf(root, path)
	return l
}

// cpuSetOf are the CPUs that a group's processes may use: those of the nearest
// group on the way up that says so, for each is within the one above it.
func cpuSetOf(root, path string) string {
	hierarchy, file := filepath.Join(root, "sys/fs/cgroup"), "cpuset.cpus.effective"
	if CgroupKind(root) != CgroupV2 {
		hierarchy, file = filepath.Join(hierarchy, "cpuset"), "cpuset.effective_cpus"
	}
	for folder := range upward(hierarchy, path) {
		if set := content(folder, file); set != "" {
			return set
		}
	}
	return ""
}

// limitsOf looks at every group on the way up: each limits all below it.
func limitsOf(root, cpuPath, memoryPath string) Limits {
	var l Limits
	below := filepath.Join(root, "sys/fs/cgroup")
	quota, memory := quotaV1, memoryV1
	cpuRoots, memoryRoot := []string{"cpu", "cpu,cpuacct", "cpuacct,cpu"}, filepath.Join(below, "memory")
	if CgroupKind(root) == CgroupV2 {
		quota, memory, cpuRoots, memoryRoot = quotaV2, memoryV2, []string{""}, below
	}
	for _, controller := range cpuRoots {
		for folder := range upward(filepath.Join(below, controller), cpuPath) {
			if cpus := quota(folder); cpus > 0 && (l.CPUs == 0 || cpus < l.CPUs) {
				l.CPUs = cpus
			}
		}
	}
	for folder := range upward(memoryRoot, memoryPath) {
		if bytes := memory(folder); bytes > 0 && (l.MemoryBytes == 0 || bytes < l.MemoryBytes) {
			l.MemoryBytes = bytes
		}
	}
	return l
}

// upward are the folders from a group to the root of its hierarchy. In a
// container the path may be the host's, of which only the root is mounted.
func upward(hierarchy, path string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for path = clean(path); yield(filepath.Join(hierarchy, path)) && path != "/"; path = filepath.Dir(path) {
		}
	}
}

// quotaV2 is cpu.max: "max 100000", or microseconds in a period.
func quotaV2(folder string) float64 {
	words := strings.Fields(content(folder, "cpu.max"))
	if len(words) != 2 {
		return 0
	}
	return share(words[0], words[1])
}

// quotaV1 is -1 microseconds without a quota.
func quotaV1(folder string) float64 {
	return share(content(folder, "cpu.cfs_quota_us"), content(folder, "cpu.cfs_period_us"))
}

func share(quota, period string) float64 {
	q, err := strconv.ParseFloat(quota, 64)
	p, wrong := strconv.ParseFloat(period, 64)
	if err != nil || wrong != nil || !(q > 0 && p > 0) || math.IsInf(q, 0) {
		return 0
	}
	return q / p
}

func memoryV2(folder string) int64 { return limit(content(folder, "memory.max")) }
func memoryV1(folder string) int64 { return limit(content(folder, "memory.limit_in_bytes")) }

// noLimit is from where a number of bytes is the kernel's way to say none: it is
// the largest that pages can count.
const noLimit = 1 << 60

func limit(text string) int64 {
	bytes, err := strconv.ParseInt(text, 10, 64)
	if err != nil || bytes >= noLimit {
		return 0
	}
	return bytes
}

func content(folder, file string) string {
	text, err := os.ReadFile(filepath.Join(folder, file))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
