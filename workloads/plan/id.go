package plan

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/dlbench/dlbench/workloads/names"
	"github.com/dlbench/dlbench/workloads/zoo"
)

// ID names a workload: network × mode × batch × precision.
type ID struct {
	Network   string
	Size      int // height and width of the input; 0 for the network's own
	Mode      Mode
	Batch     int
	Precision string
}

// String is the form that ParseID reads: "resnet50/infer/b8/fp32", or
// "resnet50@96/train/b8/fp32" at another input size than the network's own.
func (id ID) String() string {
	name := id.Network
	if id.Size != 0 {
		name += "@" + strconv.Itoa(id.Size)
	}
	return fmt.Sprintf("%s/%s/b%d/%s", name, id.Mode, id.Batch, id.Precision)
}

var idForm = regexp.MustCompile(`^([^/@]+)(?:@([0-9]{1,5}))?/([^/]+)/b([0-9]{1,6})/([^/]+)$`)

// FP32 is the precision that every runner has.
const FP32 = "fp32"

// precisions are those that a plan can ask for; docs/method.md says what each
// one means.
var precisions = []string{FP32, "tf32", "bf16", "fp16"}

// Precisions lists them.
func Precisions() []string { return slices.Clone(precisions) }

// ParseID reads the name of a workload of the zoo.
func ParseID(text string) (ID, error) {
	return ParseIDOf(text, func(network string) (int, error) {
		entry, err := zoo.Get(network)
		return entry.Size, err
	})
}

// ParseIDOf reads the name of a workload of networks that size knows: it
// answers with a network's own height and width of the input, or that there is
// no such network.
func ParseIDOf(text string, size func(network string) (int, error)) (ID, error) {
	parts := idForm.FindStringSubmatch(text)
	if parts == nil {
		return ID{}, fmt.Errorf("workload %q: expected network/mode/bBATCH/precision, like resnet50/infer/b8/fp32", text)
	}
	id := ID{Network: parts[1], Mode: Mode(parts[3]), Precision: parts[5]}
	own, err := size(id.Network)
	if err != nil {
		return ID{}, fmt.Errorf("workload %q: %w", text, err)
	}
	if id.Mode != Infer && id.Mode != Train {
		return ID{}, fmt.Errorf("workload %q: %w", text, names.Unknown("mode", parts[3], []string{string(Infer), string(Train)}))
	}
	if !slices.Contains(precisions, id.Precision) {
		return ID{}, fmt.Errorf("workload %q: %w", text, names.Unknown("precision", id.Precision, precisions))
	}
	if id.Batch, err = strconv.Atoi(parts[4]); err != nil || id.Batch < 1 {
		return ID{}, fmt.Errorf("workload %q: batch %q has to be a positive integer", text, parts[4])
	}
	if parts[2] == "" {
		return id, nil
	}
	if id.Size, err = strconv.Atoi(parts[2]); err != nil || id.Size < 1 {
		return ID{}, fmt.Errorf("workload %q: size %q has to be a positive integer", text, parts[2])
	}
	if id.Size == own {
		id.Size = 0 // one name for one workload
	}
	return id, nil
}
