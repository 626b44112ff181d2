package engine

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// ownerLabel says which process started a container, so that a sweep removes
// only what dead ones left.
const ownerLabel = "dlbench.owner"

// owner identifies this process for ever: process ids are used again, together
// with the start time they are not.
func owner() string {
	return fmt.Sprintf("%d:%s", os.Getpid(), startTime(os.Getpid()))
}

// alive says whether the process of an owner label still runs.
func alive(label string) bool {
	id, started, ok := strings.Cut(label, ":")
	pid, err := strconv.Atoi(id)
	if !ok || err != nil {
		return false
	}
	now := startTime(pid)
	return now != "" && now == started
}

// startTime is field 22 of /proc/<pid>/stat, in clock ticks since boot.
func startTime(pid int) string {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The second field is the command in parentheses and may hold spaces.
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	if len(fields) < 20 {
		return ""
	}
	return fields[19]
}
