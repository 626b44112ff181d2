package history

import (
	"slices"
	"strconv"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
)

// Fact is something that may explain a change: a version, an image, a setting
// of the machine.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// recordFacts are those of a whole record. The machine's own parts and the
// terms are no facts: records that differ in them are not compared.
func recordFacts(rec *record.Record) []Fact {
	e := rec.Environment
	var drivers []string
	for _, gpu := range e.GPUs {
		drivers = append(drivers, gpu.Driver)
	}
	return []Fact{
		{"dlbench", rec.DlbenchVersion}, {"CPU quota", strconv.FormatFloat(e.CPUQuota, 'g', -1, 64)}, {"system", e.OS}, {"kernel", e.Kernel}, {"virtualization", e.Virtualization},
		{"vector extensions", strings.Join(e.CPUFlags, " ")}, {"microcode", e.Microcode}, {"clock governor", e.Governor}, {"turbo", e.Turbo}, {"SMT", e.SMT},
		{"control groups", e.Cgroup}, {"engine version", e.EngineVersion}, {"GPU driver", strings.Join(drivers, ", ")}, {"profile", rec.Profile},
	}
}

// cellFacts are those of one runner on one workload.
func cellFacts(rec *record.Record, c *record.Cell) []Fact {
	r := rec.Runner(c.Runner)
	t := r.Terms
	return []Fact{
		{"framework", strings.TrimSpace(r.Framework + " " + c.FrameworkVersion)}, {"image", c.Image}, {"image ID", r.ImageID},
		{"adapter", r.AdapterDigest}, {"build", pairs(r.Build)}, {"CPU features", r.CPUFeatures}, {"runner's threads", t.ThreadsText()},
		{"layout", t.Layout}, {"execution", t.Execution}, {"precision", t.Precision}, {"switches", pairs(t.Switches)},
		{"workload's digest", rec.Workload(c.Workload).Digest},
	}
}

func pairs(m map[string]string) string {
	var parts []string
	for name, value := range m {
		parts = append(parts, name+"="+value)
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}
