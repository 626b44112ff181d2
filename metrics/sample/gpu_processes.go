package sample

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// GPUProcess is a process that has a context on a card.
type GPUProcess struct {
	PID         int
	Name        string // empty where /proc does not tell
	MemoryBytes *int64 // on the card; nil where the driver does not tell
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
	text, err := os.ReadFile(procFile(root, pid, "stat"))
	if err != nil {
		return 0
	}
	words := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	if len(words) < 2 {
		return 0
	}
	parent, err := strconv.Atoi(string(words[1]))
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
