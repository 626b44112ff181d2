package engine

import (
	"os"
	"strconv"
	"strings"
)

// outOfMemory knows whether the kernel has ended processes for their memory since
// it was made. Engines are asked, too, but podman 4 with control groups of version
// 1 does not tell, and a plain process has no engine.
type outOfMemory struct{ before int64 }

func watchMemory() outOfMemory { return outOfMemory{memoryKills()} }

// explains says whether an exit that nobody asked for was such an end.
func (o outOfMemory) explains(e Exit) bool {
	return e.Signal == "SIGKILL" && o.before >= 0 && memoryKills() > o.before
}

// memoryKills counts, since the machine was started; -1 if the kernel does not
// tell.
func memoryKills() int64 {
	text, err := os.ReadFile("/proc/vmstat")
	if err != nil {
		return -1
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, "oom_kill "); found {
			if kills, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64); err == nil {
				return kills
			}
		}
	}
	return -1
}
