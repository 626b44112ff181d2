package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/images"
	"github.com/dlbench/dlbench/runners/manifest"
)

func (p *program) imagesCommand() *cli.Command {
	flags := func(more ...cli.Flag) []cli.Flag {
		return append([]cli.Flag{
			&cli.StringFlag{Name: "engine", Value: "auto", Usage: "podman, docker or auto"},
			runnerDirFlag(),
		}, more...)
	}
	return &cli.Command{
		Name:   "images",
		Usage:  "build, list, prune, copy or save the runners' images",
		Action: subcommandNeeded,
		Subcommands: append([]*cli.Command{
			{Name: "build", Usage: "build what is missing", ArgsUsage: "[RUNNER…]", Flags: flags(deviceFlag(), jobsFlag()), Action: p.buildImages},
			{Name: "list", Usage: "show each image's state and size", ArgsUsage: "[RUNNER…]", Flags: flags(jsonFlag()), Action: p.listImages},
			{Name: "prune", Usage: "remove images that no runner and no baseline of the history needs any more", ArgsUsage: "[RUNNER…]",
				Flags: flags(&cli.BoolFlag{Name: "all", Usage: "remove the needed ones too"}), Action: p.pruneImages},
		}, p.shareCommands(flags)...),
	}
}

// readImages reads which engine's images, of which runners.
func readImages(c *cli.Context) imagesOf {
	return imagesOf{engine: c.String("engine"), runnerDir: c.String("runner-dir"), device: c.String("device"), named: c.Args().Slice()}
}

// imagesOf are the images of runners, of every one if nobody is named; those for
// CPUs if the command has no flag for the device.
type imagesOf struct {
	engine, runnerDir, device string
	named                     []string
}

// open finds the engine's images and the runners.
func (o imagesOf) open(ctx context.Context, h bench.Host, g bench.Progress) (*images.Store, []manifest.Manifest, error) {
	wanted, err := device.Parse(cmp.Or(o.device, device.CPU.Name))
	if err != nil {
		return nil, nil, usage(fmt.Errorf("--device: %w", err))
	}
	all, err := bench.KnownRunners(o.runnerDir)
	if err != nil {
		return nil, nil, err
	}
	chosen, reference, err := bench.SelectRunners(all, o.named)
	if err != nil {
		return nil, nil, err
	}
	if len(o.named) == 0 {
		chosen = append([]manifest.Manifest{reference}, chosen...)
	}
	cache, err := h.CacheDir()
	if err != nil {
		return nil, nil, err
	}
	known, err := h.KnownEngines(cache)
	if err != nil {
		return nil, nil, err
	}
	if o.engine == "auto" {
		known = known.WithImages()
	}
	picked, _, err := known.Pick(ctx, o.engine)
	if err != nil {
		return nil, nil, err
	}
	command, ok := picked.(*engine.CLI)
	if !ok {
		return nil, nil, usage(fmt.Errorf("engine %s has no images", picked.Name()))
	}
	if !wanted.CPU() {
		if chosen, err = forGPUs(chosen, len(o.named) > 0); err != nil {
			return nil, nil, err
		}
	}
	return h.Store(command, cache, "", g), chosen, nil
}

// forGPUs are the runners that compute on GPUs, with the images for those. One
// that does not, and was named, is refused.
func forGPUs(runners []manifest.Manifest, named bool) ([]manifest.Manifest, error) {
	var able []manifest.Manifest
	for _, m := range runners {
		switch {
		case slices.Contains(m.Devices, "gpu"):
			able = append(able, m.OnGPU())
		case named:
			return nil, usage(fmt.Errorf("runner %q has no image for GPUs: %s", m.Name, m.WithoutGPUs()))
		}
	}
	return able, nil
}
