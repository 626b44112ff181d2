package zoo_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/zoo"
)

var update = flag.Bool("update", false, "write docs/networks.md's table")

const (
	tablePath  = "../../docs/networks.md"
	tableBegin = "<!-- networks -->\n"
	tableEnd   = "<!-- /networks -->\n"
)

// common are the operators that every framework's adapter has.
var common = []string{"Conv", "ConvTranspose", "BatchNormalization", "Relu", "Clip", "Sigmoid", "Softmax", "MaxPool", "AveragePool",
	"GlobalAveragePool", "Add", "Mul", "Concat", "Flatten", "Gemm", "LRN", "Dropout", "Resize"}

// The page's table is what the networks are.
func TestDocumentedNetworks(t *testing.T) {
	var b strings.Builder
	b.WriteString("| Network | Image | Parameters | GMAC an image | Operators beyond the common ones |\n|---|---|---|---|---|\n")
	for _, name := range zoo.Names() {
		net := build(t, name)
		counts, err := net.Counts()
		if err != nil {
			t.Fatal(err)
		}
		var extents []string
		for _, extent := range net.Input.Shape[1:] {
			extents = append(extents, strconv.Itoa(extent))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %.2f M | %.3g | %s |\n", name, strings.Join(extents, "×"), float64(counts.Parameters)/1e6, float64(counts.MACs)/1e9, strings.Join(beyond(t, name), ", "))
	}
	data, err := os.ReadFile(tablePath)
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	begin, end := strings.Index(page, tableBegin)+len(tableBegin), strings.Index(page, tableEnd)
	if begin < len(tableBegin) || end < begin {
		t.Fatalf("%s has no place between %s and %s", tablePath, tableBegin, tableEnd)
	}
	if page[begin:end] == b.String() {
		return
	}
	if !*update {
		t.Fatalf("%s is not what the zoo has; go test ./workloads/zoo -update writes it", tablePath)
	}
	if err := os.WriteFile(tablePath, []byte(page[:begin]+b.String()+page[end:]), 0o644); err != nil {
		t.Fatal(err)
	}
}

// beyond is what a runner must have beside these to train a network.
func beyond(t *testing.T, name string) []string {
	t.Helper()
	p, err := plan.New(plan.ID{Network: name, Mode: plan.Train, Batch: 1, Precision: plan.FP32}, 1)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, need := range p.Needs() {
		if !slices.Contains(common, need.Operator) && !slices.Contains(all, need.Operator) {
			all = append(all, need.Operator)
		}
	}
	slices.Sort(all)
	return all
}
