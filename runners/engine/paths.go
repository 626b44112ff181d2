package engine

import (
	"path"
	"path/filepath"
	"strings"
)

// HostPaths is implemented by engines whose processes see the host's own
// files, so that mounts change no path.
type HostPaths interface{ SeesHostPaths() }

// BestEffort is implemented by engines that cannot enforce all of a Spec; the record
// has to say so.
type BestEffort interface{ Unenforced() []string }

// PathInside is the path under which a started process finds a host's file
// that lies in one of the mounts.
func PathInside(e Engine, mounts []Mount, host string) string {
	if _, shares := e.(HostPaths); shares {
		return host
	}
	for _, m := range mounts {
		relative, err := filepath.Rel(m.Host, host)
		if err == nil && relative != ".." && !strings.HasPrefix(relative, "../") {
			return path.Join(m.Inside, relative)
		}
	}
	return host
}
