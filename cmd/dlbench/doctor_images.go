package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/reports/table"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/images"
	"github.com/dlbench/dlbench/runners/manifest"
	"github.com/dlbench/dlbench/workloads/disk"
)

// leastDisk is what the images need while they are built.
const leastDisk = 20 << 30

func diskFinding(dir string) finding {
	_, free, known := disk.Free(dir)
	if !known {
		return finding{What: "disk", State: "warning", Text: "the system does not tell what is free in " + dir}
	}
	f := finding{What: "disk", State: "ok", Text: table.Bytes(free) + " free"}
	if free < leastDisk {
		f.State, f.Remedy = "warning", "the images need "+table.Bytes(leastDisk)+" while they are built: dlbench images prune"
	}
	return f
}

// imageFindings are the images of the built-in runners: those for GPUs only
// if there is a GPU.
func (p *program) imageFindings(ctx context.Context, command *engine.CLI, cache string, gpus bool) ([]finding, error) {
	all, err := manifest.Builtin()
	if err != nil {
		return nil, err
	}
	store := p.host().Store(command, cache, "", nil)
	list, err := store.List(ctx, all)
	if err != nil {
		return nil, err
	}
	findings := roomFindings(ctx, store, all)
	for _, s := range list {
		forGPUs := !slices.Contains(s.Devices, device.CPU.Name)
		if forGPUs && !gpus {
			continue
		}
		f := finding{What: "image " + s.Runner, State: "ok", Text: table.Bytes(s.Bytes)}
		remedy := "dlbench images build " + s.Runner
		if forGPUs {
			f.What += " for GPUs"
			remedy = "dlbench images build --device gpu " + s.Runner
		}
		if !s.Built {
			f.State, f.Text, f.Remedy = "missing", "not built", remedy
		}
		findings = append(findings, f)
	}
	return findings, nil
}

// roomFindings are the directories that building what is missing needs room in.
func roomFindings(ctx context.Context, store *images.Store, all []manifest.Manifest) (findings []finding) {
	places, err := store.Room(ctx, all)
	if err != nil {
		return nil // the images themselves say what is wrong
	}
	for _, p := range places {
		f := finding{What: "disk for " + p.What, State: "ok",
			Text: fmt.Sprintf("building the missing images takes %s in %s, and %s is free there", table.Bytes(p.Bytes), p.Dir, table.Bytes(p.Free))}
		if p.Short > 0 {
			f.State, f.Remedy = "warning", fmt.Sprintf("%s is missing on that disk: make room, or move it by %s", table.Bytes(p.Short), p.Variable)
		}
		findings = append(findings, f)
	}
	return findings
}
