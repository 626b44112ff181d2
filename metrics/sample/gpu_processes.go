package sample

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// initialPIDs is the kernel's first PID namespace (PROC_PID_INIT_INO). NVIDIA's
// driver counts processes in it, whoever asks.
const initialPIDs = "pid:[4026531836]"

// errForeignPIDs is why processes on a card cannot be told apart in a container,
// or wherever else processes have other numbers than the driver's.
var errForeignPIDs = errors.New("dlbench runs in a PID namespace of its own (a container?), and the driver counts processes in another: the runner's cannot be told from others")

// errNoPIDs is why they cannot be told apart by some virtualised drivers.
var errNoPIDs = errors.New("the driver does not tell the numbers of the processes on this GPU")

// foreignPIDs says whether the driver's numbers are not those of this process's
// namespace. A kernel that does not tell has one namespace.
func foreignPIDs(root string) bool {
	namespace, err := os.Readlink(filepath.Join(root, "proc/self/ns/pid"))
	return err == nil && namespace != initialPIDs
}

// GPUProcess is a process that has a context on a card.
type GPUProcess struct {
	PID         int    // 0 if the driver does not tell
	Name        string // empty where /proc does not tell
	MemoryBytes *int64 // on the card; nil if the driver does not tell
}

// Others are the processes that are not the target's: neither in its control
// group nor, where it has none, descended from its process. A process that
// /proc does not show is another's.
func Others(root string, target Target, processes []GPUProcess) []GPUProcess {
	var others []GPUProcess
	for _, p := range processes {
		if !target.has(root, p.PID) {
			others = append(others, p)
		}
	}
	return others
}

func (t Target) has(root string, pid int) bool {
	if t.Cgroup != "" {
		return inCgroup(root, pid, clean(t.Cgroup))
	}
	// Few processes are that deep; a loop of parents cannot be.
	for range 100 {
		if pid <= 1 || t.PID <= 0 {
			return false
		}
		if pid == t.PID {
			return true
		}
		pid = parentOf(root, pid)
	}
	return false
}

// inCgroup says whether a process is in a control group or below it, in any
// hierarchy.
func inCgroup(root string, pid int, path string) bool {
	text, err := os.ReadFile(procFile(root, pid, "cgroup"))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) == 3 && (parts[2] == path || strings.HasPrefix(parts[2], path+"/")) {
			return true
		}
	}
	return false
}

// parentOf is 0 for a process that /proc does not show.
func parentOf(root string, pid int) int {
	path := procFile(root, pid, "stat")
	text, err := os.ReadFile(path)
	if err != nil {
		return 0
	}
	words, err := statWords(path, text, statParent)
	if err != nil {
		return 0
	}
	parent, err := strconv.Atoi(string(words[statParent]))
	if err != nil {
		return 0
	}
	return parent
}

// nameOf is what the kernel calls a process.
func nameOf(root string, pid int) string {
	text, err := os.ReadFile(procFile(root, pid, "comm"))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

func procFile(root string, pid int, name string) string {
	return filepath.Join(root, "proc", strconv.Itoa(pid), name)
}
