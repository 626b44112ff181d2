package engine

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/dlbench/dlbench/metrics/record"
)

// What a container may use at least. A machine with more processors and memory
// gets more: frameworks start some pools of a thread for each processor, whether
// they may use it or not, and a limit that does not grow with the machine ends
// them (TensorFlow with XLA has 685 threads at 192 processors, and aborts at 384
// if 1024 are allowed).
const (
	leastPIDs      = 1024
	pidsPerCPU     = 16
	leastProcesses = 8192 // of the unprivileged user, over all its containers
	leastFiles     = 1024
	filesPerCPU    = 16
	leastTmpfs     = 1 << 30
	leastShared    = 64 << 20
	memoryPerTmpfs = 32 // /tmp may hold this part of the memory
	sharedPerCPU   = 16 << 20
	defaultFile    = 8 << 30
)

// machine is what limits grow with.
type machine struct {
	cpus  int
	nproc uint64 // processes that this one may allow; 0 is any
	files uint64 // likewise
}

func thisMachine() machine {
	return machine{cpus: onlineCPUs(), nproc: hardLimit(unix.RLIMIT_NPROC), files: hardLimit(unix.RLIMIT_NOFILE)}
}

// hardLimit is what this process may raise a limit to; 0 is any.
func hardLimit(which int) uint64 {
	var limit unix.Rlimit
	if unix.Getrlimit(which, &limit) != nil || limit.Max == unix.RLIM_INFINITY {
		return 0
	}
	return limit.Max
}

// onlineCPUs are those that frameworks count, also if this process may use
// fewer.
func onlineCPUs() int {
	text, err := os.ReadFile("/sys/devices/system/cpu/online")
	if err == nil {
		if cpus, err := ParseCPUs(strings.TrimSpace(string(text))); err == nil && len(cpus) > 0 {
			return len(cpus)
		}
	}
	return runtime.NumCPU()
}

// Limits are what a container of a Spec may use, beside its CPUs and memory.
func (c *CLI) Limits(s Spec) record.ContainerLimits {
	m := c.machine
	pids := orDefault(int64(s.PIDs), int64(max(leastPIDs, pidsPerCPU*m.cpus)))
	files := int64(max(leastFiles, filesPerCPU*m.cpus))
	return record.ContainerLimits{
		PIDs:        pids,
		Processes:   atMost(max(leastProcesses, 4*pids), m.nproc),
		Files:       atMost(files, m.files),
		FilesMost:   atMost(4*files, m.files),
		FileBytes:   orDefault(s.FileBytes, defaultFile),
		TmpBytes:    orDefault(s.TmpfsBytes, max(leastTmpfs, s.MemoryBytes/memoryPerTmpfs)),
		SharedBytes: int64(max(leastShared, sharedPerCPU*m.cpus)),
	}
}

// limitArguments are the options that set them.
func limitArguments(l record.ContainerLimits) []string {
	return []string{
		fmt.Sprintf("--tmpfs=/tmp:rw,nosuid,nodev,size=%d,mode=1777", l.TmpBytes),
		fmt.Sprintf("--shm-size=%d", l.SharedBytes),
		fmt.Sprintf("--pids-limit=%d", l.PIDs),
		fmt.Sprintf("--ulimit=fsize=%[1]d:%[1]d", l.FileBytes),
		"--ulimit=core=0:0",
		fmt.Sprintf("--ulimit=nofile=%d:%d", l.Files, l.FilesMost),
		fmt.Sprintf("--ulimit=nproc=%[1]d:%[1]d", l.Processes),
	}
}

// atMost is a limit that this user may set.
func atMost(wanted int64, allowed uint64) int64 {
	if allowed > 0 && uint64(wanted) > allowed {
		return int64(allowed)
	}
	return wanted
}

func orDefault(v, otherwise int64) int64 {
	if v > 0 {
		return v
	}
	return otherwise
}
