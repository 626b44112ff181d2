package html

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/ranking"
	"github.com/dlbench/dlbench/reports/table"
)

// term is one thing that a runner said of itself.
type term struct {
	name  string
	of    func(r record.Runner) string
	equal bool // should not differ unseen
}

var terms = []term{
	{"framework", func(r record.Runner) string { return r.Framework + " " + r.FrameworkVersion }, false},
	{"state", func(r record.Runner) string { return r.State() }, false},
	{"CPU features", func(r record.Runner) string { return r.CPUFeatures }, false},
	{"threads", func(r record.Runner) string { return r.Terms.ThreadsText() }, true},
	{"CPUs", func(r record.Runner) string { return strings.Trim(fmt.Sprint(r.Terms.CPUs), "[]") }, true},
	{"layout", func(r record.Runner) string { return r.Terms.Layout }, true},
	{"execution", func(r record.Runner) string { return r.Terms.Execution }, true},
	{"precision", func(r record.Runner) string { return r.Terms.Precision }, true},
	{"switches", func(r record.Runner) string { return pairs(r.Terms.Switches) }, true},
	{"build", func(r record.Runner) string { return pairs(r.Build) }, true},
	{"image", func(r record.Runner) string { return r.Image }, false},
}

// termsTable puts what the runners said of themselves side by side; rows in
// which they differ, and should not unseen, are marked.
func termsTable(v *view) *grid {
	g := newGrid(v.Prefix+"terms-table", "What each runner confirmed, side by side", "term", "differs")
	for _, r := range v.Record.Runners {
		g.Columns = append(g.Columns, column{Name: r.Name, Runner: v.marks.of(r.Name)})
	}
	for _, t := range terms {
		line, values := []cell{text(t.name), text("")}, map[string]bool{}
		for _, r := range v.Record.Runners {
			said := t.of(r)
			values[said] = true
			line = append(line, cell{Text: said, Class: "long"})
		}
		g.add(-1, line...)
		if len(values) > 1 && t.equal {
			last := &g.Rows[len(g.Rows)-1]
			last.Class, last.Cells[1].Text = "differs", "≠"
		}
	}
	return g
}

func pairs(m map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(m)) {
		parts = append(parts, name+"="+m[name])
	}
	return strings.Join(parts, ", ")
}

// machineTable is the machine and what was asked of every runner.
func machineTable(v *view) *grid {
	g := newGrid(v.Prefix+"machine-table", "The machine and the run", "what", "value")
	for _, fact := range machineFacts(v.Record) {
		if fact[1] != "" {
			g.add(-1, text(fact[0]), cell{Text: fact[1], Class: "long"})
		}
	}
	return g
}

func machineFacts(rec *record.Record) [][2]string {
	e, t := rec.Environment, rec.Terms
	facts := [][2]string{
		{"host", e.Host}, {"processor", e.CPU}, {"vector extensions", strings.Join(e.CPUFlags, " ")},
		{"cores", fmt.Sprintf("%d, %d logical CPUs", e.Cores, e.LogicalCPUs)}, {"memory", table.Bytes(e.MemoryBytes)},
		{"CPUs that dlbench may use", cpuSetFact(e)},
		{"system", e.OS + ", kernel " + e.Kernel}, {"control groups", e.Cgroup}, {"virtualization", e.Virtualization},
		{"microcode", e.Microcode}, {"clock governor", e.Governor}, {"turbo", e.Turbo}, {"hardware threads share cores (SMT)", e.SMT},
		{"engine", strings.TrimSpace(e.Engine + " " + e.EngineVersion)},
		{"asked of every runner", fmt.Sprintf("%s, %s, CPUs %s, memory: %s", t.Device, rec.ThreadsText(), orAll(t.CPUs), limit(t.MemoryBytes))},
		{"inputs", rec.InputsText()},
		{"limits of each container", limitsFact(e.Limits)},
		{"measured peak", peakFact(e)},
		{"dlbench", fmt.Sprintf("%s, seed %d, profile %s, %d rounds", rec.DlbenchVersion, rec.Seed, rec.Profile, rec.Rounds)},
		{"written", rec.Updated.Format("2 January 2006, 15:04:05 MST")},
	}
	for _, gpu := range e.GPUs {
		facts = append(facts, [2]string{fmt.Sprintf("GPU %d", gpu.Index), gpuFact(gpu)})
	}
	for _, source := range slices.Sorted(maps.Keys(e.Missing)) {
		facts = append(facts, [2]string{"no " + source, e.Missing[source]})
	}
	return facts
}

// cpuSetFact is empty if these are all.
func cpuSetFact(e record.Environment) string {
	if e.CPUSet == "" || e.SlurmJob == "" {
		return e.CPUSet
	}
	return e.CPUSet + ", given by Slurm job " + e.SlurmJob
}

func limitsFact(l *record.ContainerLimits) string {
	if l == nil {
		return ""
	}
	return fmt.Sprintf("%d processes and threads, %d open files, files of %s, %s in /tmp, %s in /dev/shm", l.PIDs, l.Files,
		table.Bytes(l.FileBytes), table.Bytes(l.TmpBytes), table.Bytes(l.SharedBytes))
}

func gpuFact(gpu record.GPU) string {
	memory := "memory shared with the processor"
	if gpu.MemoryBytes > 0 {
		memory = table.Bytes(gpu.MemoryBytes)
	}
	words := fmt.Sprintf("%s, %s, driver %s, compute capability %s", gpu.Name, memory, gpu.Driver, gpu.ComputeCapability)
	if gpu.PCIeWidthMax > 0 {
		words += fmt.Sprintf(", PCIe generation %d with %d lanes at most", gpu.PCIeGenerationMax, gpu.PCIeWidthMax)
	}
	if gpu.MIG {
		words += ", divided by MIG"
	}
	if gpu.Parent != nil {
		words += fmt.Sprintf(", MIG device %s of GPU %d: power, energy, clocks, temperature and link are the whole GPU's", gpu.UUID, *gpu.Parent)
	}
	if p := gpu.Measured; p != nil {
		words += "; measured " + peakWords(p)
	}
	if p := gpu.Peak; p != nil {
		words += fmt.Sprintf("; at most %s GFLOP/s in fp32", ranking.Figure(p.FP32GFLOPS, 0))
		for _, other := range []struct {
			precision string
			gflops    float64
		}{{record.TF32, p.TF32GFLOPS}, {record.BF16, p.BF16GFLOPS}} {
			if other.gflops > 0 {
				words += fmt.Sprintf(", %s in %s", ranking.Figure(other.gflops, 0), other.precision)
			}
		}
		words += fmt.Sprintf(", %s GB/s (%s)", ranking.Figure(p.BandwidthBytesPerSec/1e9, 0), p.Source)
	}
	return words
}

func orAll(cpus string) string {
	if cpus == "" {
		return "all"
	}
	return cpus
}

func limit(bytes int64) string {
	if bytes == 0 {
		return "no limit"
	}
	return "at most " + table.Bytes(bytes)
}

// peakFact is the peak of the CPUs, with every library's products.
func peakFact(e record.Environment) string {
	if e.Peak == nil {
		return cmp.Or(e.Missing["peak"], "none was measured")
	}
	words := peakWords(e.Peak)
	for _, p := range e.Peaks {
		words += fmt.Sprintf("; with %d threads %s", p.Threads, peakWords(&p))
	}
	return words
}

func peakWords(p *record.Peak) string {
	words := ranking.Figure(p.GFLOPS, 0) + " GFLOP/s"
	if p.BandwidthBytesPerSec > 0 {
		words += fmt.Sprintf(", %s GB/s", ranking.Figure(p.BandwidthBytesPerSec/1e9, 0))
	}
	words += " (" + p.Source + ")"
	for _, one := range p.Products {
		words += fmt.Sprintf("; %s %s GFLOP/s by %s", one.Precision, ranking.Figure(one.GFLOPS, 0), one.Words())
	}
	for _, what := range slices.Sorted(maps.Keys(p.Missing)) {
		words += fmt.Sprintf("; no %s: %s", what, p.Missing[what])
	}
	return words
}
