package history

import (
	"fmt"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/table"
)

// Place is what has to be the same for figures to be compared over time: the
// machine, and the terms that were asked for.
type Place struct {
	Host    string `json:"host"`
	Machine string `json:"machine"`          // the same for all records of one machine, whatever its host is called
	Branch  string `json:"branch,omitempty"` // of the source that was measured
	CPU     string `json:"cpu"`
	CPUs    string `json:"cpus"`    // cores and logical CPUs
	Memory  int64  `json:"memory"`  // GiB, rounded
	GPUs    string `json:"gpus"`    // their names
	Device  string `json:"device"`  // asked for
	Threads int    `json:"threads"` // asked for
	CPUSet  string `json:"cpu_set"` // asked for, like "0-3"
	Limit   int64  `json:"limit"`   // of memory, GiB, rounded
	Engine  string `json:"engine"`
}

// PlaceOf is a record's place. Memory is rounded to GiB, because what the
// kernel leaves of it, and with it the limit that dlbench takes by default,
// differs by a few MiB from one kernel to the next. The bound of the server
// scenario is left out: no figure here depends on it.
func PlaceOf(rec *record.Record) Place {
	e, t := rec.Environment, rec.Terms
	var gpus []string
	for _, gpu := range e.GPUs {
		gpus = append(gpus, gpu.Name)
	}
	return Place{Host: e.Host, CPU: e.CPU, CPUs: fmt.Sprintf("%d cores, %d logical CPUs", e.Cores, e.LogicalCPUs), Memory: gibibytes(e.MemoryBytes),
		GPUs: strings.Join(gpus, ", "), Device: t.Device, Threads: t.Threads, CPUSet: t.CPUs, Limit: gibibytes(t.MemoryBytes), Engine: e.Engine}
}

func gibibytes(n int64) int64 { return (n + 1<<29) >> 30 }

// Line is the place without the host's name, which may change from night to
// night on one machine.
func (p Place) Line() Place {
	p.Host = ""
	return p
}

// Terms is the place without what names the machine: the hardware and the terms.
func (p Place) Terms() Place {
	p.Host, p.Machine, p.Branch = "", "", ""
	return p
}

// String is the place in one line.
func (p Place) String() string {
	name := p.Host
	if given, ok := strings.CutPrefix(p.Machine, "machine "); ok {
		name = given
	}
	if p.Branch != "" {
		name += ", branch " + p.Branch
	}
	parts := []string{name, p.CPU, p.CPUs, fmt.Sprintf("%d GiB", p.Memory)}
	if p.GPUs != "" {
		parts = append(parts, p.GPUs)
	}
	return fmt.Sprintf("%s; %s, %d threads on CPUs %s, at most %d GiB, engine %s", strings.Join(parts, ", "), p.Device, p.Threads, p.CPUSet, p.Limit, p.Engine)
}

// ShapeOf is what a workload computes. Its digest is not in it: that changes
// with the seed, and the work does not.
func ShapeOf(w *record.Workload) string {
	shape := fmt.Sprintf("input %s, %s parameters, %s MACs", table.Dimensions(w.InputShape), table.Thousands(w.Parameters), table.Thousands(w.MACs))
	if w.InputsDigest() != "" {
		shape += ", " + w.InputsText()
	}
	return shape
}

// campaign tells the states of one run from several runs: a record that was
// added while its run was interrupted and again when it was complete is one
// point of a trend.
func campaign(rec *record.Record) string {
	return fmt.Sprintf("%d %s %s %d", rec.Created.UnixNano(), rec.Environment.Host, rec.Suite, rec.Seed)
}
