package engine

import (
	"encoding/csv"
	"path"
	"path/filepath"
	"strings"
)

// option is a mount as the engines' --mount reads it: a record of
// comma-separated values, in which a path may hold commas, quotes and the colons
// that end one for --volume.
func (m Mount) option() string {
	fields := []string{"type=bind", "src=" + m.Host, "dst=" + m.Inside}
	if m.ReadOnly {
		fields = append(fields, "readonly")
	}
	var text strings.Builder
	w := csv.NewWriter(&text)
	_ = w.Write(fields) // to memory
	w.Flush()
	return strings.TrimSuffix(text.String(), "\n")
}

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
