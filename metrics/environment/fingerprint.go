package environment

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
)

// fingerprint names the hardware: the same on every night, whatever the host is
// called, and another on another machine. The machine's ID (machine-id(5), which
// is not to be shown) parts machines of one kind; containers and hired runners
// often have none, and are told apart by a name (--machine). It is empty if
// the processor is unknown.
func (r *reader) fingerprint(e record.Environment) string {
	if e.CPU == "" {
		return ""
	}
	parts := []string{"dlbench", e.CPU, fmt.Sprint(e.Cores, e.LogicalCPUs), fmt.Sprint((e.MemoryBytes + 1<<29) >> 30)}
	for _, card := range e.GPUs {
		parts = append(parts, card.Name)
	}
	for _, file := range []string{"etc/machine-id", "var/lib/dbus/machine-id"} {
		if id, err := r.text(file); err == nil && id != "" && id != "uninitialized" {
			parts = append(parts, id)
			break
		}
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:])[:16]
}
