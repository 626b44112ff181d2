package plan

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/dlbench/dlbench/workloads/names"
	"github.com/dlbench/dlbench/workloads/zoo"
)

// ID names a workload: network × mode × batch × precision, and threads where a
// record has several numbers of them.
type ID struct {
	Network   string
	Size      int // height and width of the input; 0 for the network's own
	Mode      Mode
	Batch     int
	Precision string
	Threads   int // of the runner; 0 for those of the run
}

// String is the form that ParseID reads: "resnet50/infer/b8/fp32", or
// "resnet50@96/train/b8/fp32" at another input size than the network's own,
// and "resnet50/infer/b8/fp32/t4" by 4 threads.
func (id ID) String() string {
	name := id.Network
	if id.Size != 0 {
		name += "@" + strconv.Itoa(id.Size)
	}
	text := fmt.Sprintf("%s/%s/b%d/%s", name, id.Mode, id.Batch, id.Precision)
	if id.Threads != 0 {
		text += "/t" + strconv.Itoa(id.Threads)
	}
	return text
}

// WithoutThreads is the same work by the threads of the run: what a plan is
// made of.
func (id ID) WithoutThreads() ID {
	id.Threads = 0
	return id
}

// Quantized says whether the plan has a quantised graph: int8 is of inference, and a
// plan that trains in it is only there for runners to refuse.
func (id ID) Quantized() bool { return id.Precision == INT8 && id.Mode == Infer }

// In is the same work in another precision.
func (id ID) In(precision string) ID {
	id.Precision = precision
	return id
}

// MostThreads is more than any machine has.
const MostThreads = 4096

var idForm = regexp.MustCompile(`^([^/@]+)(?:@([0-9]{1,5}))?/([^/]+)/b([0-9]{1,6})/([^/]+?)(?:/t([0-9]{1,5}))?$`)

// FP32 is the precision that every runner has.
const FP32 = "fp32"

// precisions are those that a plan can ask for; docs/method.md says what each
// one means.
var precisions = []string{FP32, "tf32", "bf16", "fp16", INT8}

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
	if parts[6] != "" {
		if id.Threads, err = strconv.Atoi(parts[6]); err != nil || id.Threads < 1 || id.Threads > MostThreads {
			return ID{}, fmt.Errorf("workload %q: threads %q, expected a whole number from 1 to %d", text, parts[6], MostThreads)
		}
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
