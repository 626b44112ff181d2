package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/images"
	"github.com/dlbench/dlbench/runners/launch"
	"github.com/dlbench/dlbench/runners/manifest"
	"github.com/dlbench/dlbench/runners/preflight"
)

// deepFlags belong to doctor: start what a runner would be, and see.
func deepFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "deep", Usage: "start a process as a runner's, one kernel and every runner's hello on the device, in under two minutes"},
		&cli.StringFlag{Name: "bundle", Usage: "write all that was found to `FILE`, for an issue: no host name, user name or path is in it"},
		&cli.BoolFlag{Name: "peak", Usage: "measure, anew, what the device reaches at most: matrix products by the libraries of all images that are built, and memory"},
		&cli.StringFlag{Name: "engine", Value: "auto", Usage: "what --deep and --peak start processes with: auto, podman, docker or local"},
	}
}

// deep looks at each device, and adds what it found to the findings.
func (p *program) deep(c *cli.Context, devices []device.Device) ([]preflight.Report, []finding, error) {
	ctx, g := c.Context, p.newProgress()
	defer g.End()
	setup, err := p.setup(c, g)
	if err != nil {
		return nil, nil, err
	}
	b, err := bench.Equip(ctx, setup)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = b.Close(ctx) }() // it keeps no logs
	l := b.Launcher()
	var all []preflight.Report
	var findings []finding
	for _, d := range devices {
		check := preflight.Check{Launcher: l, Device: d, Say: g.Say}
		if check.Probe, check.Runners, err = p.startableHere(ctx, l, d); err != nil {
			return nil, nil, err
		}
		report := check.Run(ctx)
		all = append(all, report)
		for _, f := range report.Findings {
			findings = append(findings, finding{What: d.Name + ": " + f.What, State: string(f.State), Text: f.Text, Remedy: f.Remedy})
		}
	}
	return all, findings, ctx.Err()
}

// startableHere are the built-in runners, and where the probe runs: the local
// Python, or the images that are built.
func (p *program) startableHere(ctx context.Context, l *launch.Launcher, d device.Device) (probe engine.Spec, runners []preflight.Runner, err error) {
	all, err := manifest.Builtin()
	if err != nil {
		return probe, nil, err
	}
	command, containers := l.Engine.(*engine.CLI)
	var built []images.Status
	if containers {
		if built, err = (&images.Store{CLI: command}).List(ctx, all); err != nil {
			return probe, nil, err
		}
	}
	probe.Command = []string{"python3"}
	if !containers {
		probe.Command[0] = l.Python
	}
	for _, m := range all {
		if m.Reference {
			probe.Image = imageOf(built, m.Name, device.CPU.Name).Image
			continue
		}
		if reason := bench.UnfitFor(m, d, !containers); reason != "" {
			runners = append(runners, preflight.Runner{Manifest: m, Absent: &engine.EnvironmentError{Text: reason}})
			continue
		}
		one := preflight.Runner{Manifest: m}
		switch {
		case !containers:
			one.Absent = preflight.Importable(ctx, l.Python, p.environ(), m)
		case d.GPU():
			one.Manifest = m.OnGPU()
			one.Image, one.Absent = imageOf(built, m.Name, "gpu").usable("dlbench images build --device gpu " + m.Name)
		default:
			one.Image, one.Absent = imageOf(built, m.Name, device.CPU.Name).usable("dlbench images build " + m.Name)
		}
		runners = append(runners, one)
	}
	return probe, runners, ctx.Err()
}

// builtImage is a runner's image as it stands.
type builtImage struct{ images.Status }

func imageOf(all []images.Status, runner, kind string) builtImage {
	for _, s := range all {
		if s.Runner == runner && slices.Contains(s.Devices, kind) {
			return builtImage{s}
		}
	}
	return builtImage{}
}

func (b builtImage) usable(build string) (string, *engine.EnvironmentError) {
	if !b.Built {
		return "", &engine.EnvironmentError{Text: "its image is not built", Hint: build}
	}
	return b.Image, nil
}

// deepOutcome refuses a device on which a probe or a runner fails.
func deepOutcome(all []preflight.Report) error {
	for _, r := range all {
		for _, f := range r.Findings {
			if f.State == preflight.Failed && !strings.HasPrefix(f.What, "runner ") {
				return bench.EnvironmentError(fmt.Errorf("%s: %s: %s", r.Device, f.What, f.Text), f.Remedy)
			}
		}
	}
	for _, r := range all {
		for _, f := range r.Findings {
			if f.State == preflight.Failed {
				return bench.Failed("%s on %s: %s", f.What, r.Device, f.Text)
			}
		}
	}
	return nil
}
