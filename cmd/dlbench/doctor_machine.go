package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/dlbench/dlbench/metrics/environment"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/reports/table"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/engine"
)

func (p *program) examine(ctx context.Context) ([]finding, error) {
	cache, err := p.host().CacheDir()
	if err != nil {
		return nil, err
	}
	here := p.host().Machine(ctx)
	cards, unreadable, absent := p.host().Cards()
	gpus, err := gpuFindings(cards, unreadable, absent)
	if err != nil {
		return nil, err
	}
	findings := append(machineFindings(here), gpus...)
	findings = append(findings, warningFindings(append(environment.Conditions(ctx, "/", here), bench.Neighbours(cache)...))...)
	findings = append(findings, diskFinding(cache))
	engines, err := p.host().KnownEngines(cache)
	if err != nil {
		return nil, err
	}
	containers := false
	for _, e := range engines {
		health := e.Probe(ctx)
		f := finding{What: "engine " + e.Name(), State: "ok", Text: strings.TrimSpace(string(health.State) + " " + health.Version)}
		if health.State != engine.Healthy {
			f.State, f.Text, f.Remedy = "missing", health.Reason, health.Hint
			if containers {
				f.State, f.Remedy = "not needed", "" // one engine is enough
			}
		}
		if command, ok := e.(*engine.CLI); ok && health.State == engine.Healthy && !containers {
			containers = true
			findings = append(findings, startFinding(ctx, command))
			more, err := p.imageFindings(ctx, command, cache, len(cards) > 0)
			if err != nil {
				return nil, err
			}
			findings = append(findings, more...)
			if len(cards) > 0 {
				findings = append(findings, handOverFinding(ctx, command, cards))
			}
		}
		findings = append(findings, f)
	}
	return findings, nil
}

// startFinding says whether an engine that answers starts containers, too.
func startFinding(ctx context.Context, command *engine.CLI) finding {
	f := finding{What: "containers of " + command.Name(), State: "ok", Text: "one was started"}
	if missing := command.Try(ctx); missing != nil {
		f.State, f.Text, f.Remedy = "missing", missing.Text, missing.Hint
	} else if copies := command.CopiesImages(ctx); copies != nil {
		f.State, f.Text, f.Remedy = "warning", copies.Text, copies.Hint
	}
	return f
}

func machineFindings(m record.Environment) []finding {
	findings := []finding{{What: "processor", State: "ok", Text: fmt.Sprintf("%s, %d logical CPUs, %s", m.CPU, m.LogicalCPUs, strings.Join(m.CPUFlags, " "))},
		{What: "memory", State: "ok", Text: memoryText(m)},
		{What: "control groups", State: "ok", Text: m.Cgroup}}
	return append(findings, energyFinding(m))
}

// energyFinding says whether joules an image can be told of the processors. The
// reason why not says what would help.
func energyFinding(m record.Environment) finding {
	if m.CPUEnergy == "" {
		return finding{What: "energy of processors", State: "missing", Text: m.Missing[record.SeriesCPUEnergy]}
	}
	return finding{What: "energy of processors", State: "ok", Text: m.CPUEnergy}
}

// memoryText is the memory that there is, and what a control group allows of it.
func memoryText(m record.Environment) string {
	if m.MemoryLimit > 0 && m.MemoryLimit < m.MemoryBytes {
		return fmt.Sprintf("%s of %s: the control group's limit", table.Bytes(m.MemoryLimit), table.Bytes(m.MemoryBytes))
	}
	return table.Bytes(m.MemoryBytes)
}

// warningFindings are what a run on this machine would be warned of.
func warningFindings(warnings record.Warnings) []finding {
	var findings []finding
	for _, w := range warnings {
		f := finding{What: w.Code, State: "warning", Text: w.Text}
		if c, ok := record.Explain(w.Code); ok {
			f.Remedy = c.Remedy
		}
		findings = append(findings, f)
	}
	return findings
}
