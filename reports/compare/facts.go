package compare

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/table"
)

// fact is something that should be the same in both records. Functions that
// give several give the same ones in the same order.
type fact struct{ name, value string }

func machineFacts(r *record.Record) []fact {
	e := r.Environment
	var gpus []string
	for _, g := range e.GPUs {
		gpus = append(gpus, strings.TrimSpace(g.Name+" "+g.Driver))
	}
	return []fact{
		{"processor", e.CPU}, {"vector extensions", strings.Join(e.CPUFlags, " ")}, {"cores", fmt.Sprint(e.Cores)},
		{"logical CPUs", fmt.Sprint(e.LogicalCPUs)}, {"memory", table.Bytes(e.MemoryBytes)},
		{"virtualization", e.Virtualization}, {"GPUs", strings.Join(gpus, ", ")},
	}
}

func systemFacts(e record.Environment) []fact {
	return []fact{
		{"CPU quota", quota(e)}, {"CPUs that dlbench may use", cmp.Or(e.CPUSet, "all")}, {"system", e.OS}, {"kernel", e.Kernel}, {"microcode", e.Microcode}, {"governor", e.Governor}, {"SMT", e.SMT}, {"turbo", e.Turbo},
		{"control groups", e.Cgroup}, {"engine", strings.TrimSpace(e.Engine + " " + e.EngineVersion)},
	}
}

func quota(e record.Environment) string {
	if e.CPUQuota == 0 {
		return "none"
	}
	return fmt.Sprintf("%.2f CPUs", e.CPUQuota)
}

func termFacts(t record.Terms) []fact {
	return []fact{
		{"device", t.Device}, {"threads", fmt.Sprint(t.Threads)}, {"CPUs", t.CPUs}, {"memory limit", table.Bytes(t.MemoryBytes)},
		{"latency bound", fmt.Sprintf("%g ms", t.LatencyBoundMS)}, {"sliding window", slidingWindow(t)},
	}
}

func slidingWindow(t record.Terms) string {
	if t.Volume == "" {
		return "none"
	}
	return fmt.Sprintf("%s, overlap %g", t.Volume, t.Overlap)
}

func frameworkFacts(r *record.Runner) []fact {
	return []fact{{"framework", r.Framework}, {"version", r.FrameworkVersion}}
}

func buildFacts(r *record.Runner) []fact {
	return []fact{{"image", r.Image}, {"image ID", short(r.ImageID)}, {"adapter", short(r.AdapterDigest)}, {"build", pairs(r.Build)}}
}

func runnerFacts(t record.RunnerTerms) []fact {
	return []fact{
		{"threads", t.ThreadsText()}, {"CPUs", strings.Trim(fmt.Sprint(t.CPUs), "[]")}, {"layout", t.Layout},
		{"execution", t.Execution}, {"precision", t.Precision}, {"switches", pairs(t.Switches)},
	}
}

// Fact is something that should be the same wherever the same is measured.
type Fact struct{ Name, Value string }

// FactsOf are all facts about a record: what was asked for, the machine, its
// system, and what each of its runners was and confirmed.
func FactsOf(r *record.Record) []Fact {
	var all []Fact
	add := func(prefix string, facts ...fact) {
		for _, f := range facts {
			all = append(all, Fact{prefix + f.name, f.value})
		}
	}
	add("", systemFacts(r.Environment)...)
	add("", machineFacts(r)...)
	add("asked: ", termFacts(r.Terms)...)
	for i := range r.Runners {
		one := &r.Runners[i]
		for _, facts := range [][]fact{frameworkFacts(one), buildFacts(one), runnerFacts(one.Terms)} {
			add(one.Name+": ", facts...)
		}
	}
	add("", fact{"profile", r.Profile}, fact{"dlbench", r.DlbenchVersion})
	return all
}
