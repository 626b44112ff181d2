package device

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
)

// CPU is the device of every process that computes on no card.
var CPU = Device{Name: "cpu"}

// Device is what one process computes on; the zero value is the CPU, too.
type Device struct {
	Name     string     // "cpu", or "gpu:1", a card or an instance of one that MIG splits
	Card     record.GPU // whose it is; empty for the CPU
	Instance string     // UUID of a MIG instance; empty for a whole card
}

// GPU says whether the device is a card, or a part of one.
func (d Device) GPU() bool { return d.Card.UUID != "" }

// UUID is what a GPU is handed over and recognised by.
func (d Device) UUID() string {
	if d.Instance != "" {
		return d.Instance
	}
	return d.Card.UUID
}

// UUIDs are what an engine has to hand over: one, or none for the CPU.
func (d Device) UUIDs() []string {
	if !d.GPU() {
		return nil
	}
	return []string{d.UUID()}
}

// Inside is the device's name in a process that sees no other.
func (d Device) Inside() string {
	if d.GPU() {
		return "gpu:0"
	}
	return CPU.Name
}

// Identity is what a result on the device depends on.
func (d Device) Identity() string {
	if !d.GPU() {
		return CPU.Name
	}
	return strings.Join([]string{"gpu", d.Card.Name, d.UUID(), d.Card.Driver}, " ")
}

// Terms is one string for all devices of a run, which Parse reads again.
func Terms(devices []Device) string {
	var numbers []string
	for _, d := range devices {
		if !d.GPU() {
			return CPU.Name
		}
		numbers = append(numbers, strings.TrimPrefix(d.Name, "gpu:"))
	}
	return "gpu:" + strings.Join(numbers, ",")
}

// Confirm holds what a process says that it computes on against what it was
// given. A doubt is what it cannot tell; an error is another device.
func (d Device) Confirm(kind, uuid string) (doubt string, err error) {
	switch {
	case !d.GPU() && kind == "gpu":
		return "", errors.New("asked for the CPU, the runner computes on a GPU")
	case !d.GPU():
		return "", nil
	case kind == "cpu":
		return "", fmt.Errorf("asked for %s, the runner computes on the CPU", d.UUID())
	case kind != "gpu":
		return "", fmt.Errorf("asked for %s, the runner computes on %q and names no GPU", d.UUID(), kind)
	case uuid == "":
		return fmt.Sprintf("asked for %s, the framework cannot tell which GPU it computes on; it was given no other", d.UUID()), nil
	case same(uuid, d.UUID()):
		return "", nil
	case d.Instance != "" && same(uuid, d.Card.UUID):
		return fmt.Sprintf("asked for %s, the framework names the card that it is a part of, %s; it was given no other", d.UUID(), uuid), nil
	default:
		return "", fmt.Errorf("asked for %s, the runner computes on %s", d.UUID(), uuid)
	}
}

// same compares two UUIDs; frameworks write them without the prefix, or call
// an instance a GPU.
func same(a, b string) bool { return strings.EqualFold(bare(a), bare(b)) }

func bare(uuid string) string {
	for _, prefix := range []string{"GPU-", "MIG-"} {
		if len(uuid) > len(prefix) && strings.EqualFold(uuid[:len(prefix)], prefix) {
			return uuid[len(prefix):]
		}
	}
	return uuid
}
