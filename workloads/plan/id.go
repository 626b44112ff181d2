package plan

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/dlbench/dlbench/workloads/zoo"
)

// ID names a workload: network × mode × batch × precision.
type ID struct {
	Network   string
	Mode      Mode
	Batch     int
	Precision string
}

// String is the form that ParseID reads, like "resnet50/infer/b8/fp32".
func (id ID) String() string {
	return fmt.Sprintf("%s/%s/b%d/%s", id.Network, id.Mode, id.Batch, id.Precision)
}

var idForm = regexp.MustCompile(`^([^/]+)/([^/]+)/b([0-9]{1,6})/([^/]+)$`)

// ParseID reads a workload's name.
func ParseID(text string) (ID, error) {
	parts := idForm.FindStringSubmatch(text)
	if parts == nil {
		return ID{}, fmt.Errorf("workload %q: expected network/mode/bBATCH/precision, like resnet50/infer/b8/fp32", text)
	}
	if _, err := zoo.Get(parts[1]); err != nil {
		return ID{}, fmt.Errorf("workload %q: %w", text, err)
	}
	mode := Mode(parts[2])
	if mode != Infer && mode != Train {
		return ID{}, fmt.Errorf("workload %q: unknown mode %q: use infer or train", text, parts[2])
	}
	batch, err := strconv.Atoi(parts[3])
	if err != nil || batch < 1 {
		return ID{}, fmt.Errorf("workload %q: batch %q has to be a positive integer", text, parts[3])
	}
	if parts[4] != "fp32" {
		return ID{}, fmt.Errorf("workload %q: unknown precision %q: use fp32", text, parts[4])
	}
	return ID{Network: parts[1], Mode: mode, Batch: batch, Precision: parts[4]}, nil
}
