package presence

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// The labels that say whose a container is, so that a sweep removes only what
// ended processes left.
const (
	OwnerLabel = "dlbench.owner" // PID:START, which is never used again while the machine runs
	lockLabel  = "dlbench.lock"  // the path of the lock that the owner holds
	bootLabel  = "dlbench.boot"  // this start of the machine
	spaceLabel = "dlbench.pidns" // the namespace of the PID
)

// Labels are those of what this process starts. Without a presence they name
// only the process.
func (p *Presence) Labels() map[string]string {
	labels := map[string]string{
		OwnerLabel: fmt.Sprintf("%d:%s", os.Getpid(), startTime(os.Getpid())),
		bootLabel:  bootID(), spaceLabel: pidNamespace(),
	}
	if p != nil {
		labels[lockLabel] = p.path
	}
	return labels
}

// Owns says whether labels are of what this process started.
func Owns(labels map[string]string) bool {
	var self *Presence
	own := self.Labels()
	return labels[OwnerLabel] == own[OwnerLabel] && (labels[spaceLabel] == "" || labels[spaceLabel] == own[spaceLabel])
}

// Placed says whether labels tell where their PID counts. Earlier dlbenches
// did not, so that an owner that seems dead may run in another namespace.
func Placed(labels map[string]string) bool { return labels[spaceLabel] != "" }

// Lock is the path of the lock that labels name.
func Lock(labels map[string]string) string { return labels[lockLabel] }

// Alive says whether the owner that labels name still runs. One of which nothing
// can be known from here is taken for alive: to leave a container costs less
// than to end a run.
func Alive(labels map[string]string) bool {
	if boot := labels[bootLabel]; boot != "" && boot != bootID() {
		return false // the machine was restarted since
	}
	if path := labels[lockLabel]; path != "" {
		switch stateOf(path) {
		case held:
			return true
		case free:
			return false
		}
	}
	if space := labels[spaceLabel]; space != "" && space != pidNamespace() {
		return true // the number is another process's here
	}
	id, started, ok := strings.Cut(labels[OwnerLabel], ":")
	pid, err := strconv.Atoi(id)
	if !ok || err != nil || pid <= 0 {
		return false
	}
	now := startTime(pid)
	if now == "" { // /proc may hide the processes of others (hidepid)
		return errors.Is(syscall.Kill(pid, 0), syscall.EPERM)
	}
	return now == started
}

func bootID() string {
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}

func pidNamespace() string {
	name, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return name
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
