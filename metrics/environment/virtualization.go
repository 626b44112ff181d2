package environment

import (
	"os"
	"path/filepath"
	"strings"
)

// virtualization names the hypervisor and the container that the harness runs
// under, like "Amazon EC2, docker"; empty on bare metal. A guest is known by
// the CPU flag that hypervisors set, and named by its firmware where that
// tells.
func (r *reader) virtualization(guest bool) string {
	var layers []string
	if guest {
		layers = append(layers, r.hypervisor())
	}
	for _, container := range []struct{ file, name string }{{".dockerenv", "docker"}, {"run/.containerenv", "podman"}} {
		if _, err := os.Stat(filepath.Join(r.Root, container.file)); err == nil {
			layers = append(layers, container.name)
		}
	}
	return strings.Join(layers, ", ")
}

func (r *reader) hypervisor() string {
	for _, file := range []string{"sys/class/dmi/id/sys_vendor", "sys/hypervisor/type"} {
		if name, err := r.text(file); err == nil && name != "" {
			return name
		}
	}
	return "unnamed hypervisor"
}
