package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/reports/history"
	"github.com/dlbench/dlbench/reports/table"
	"github.com/dlbench/dlbench/runners/images"
	"github.com/dlbench/dlbench/runners/manifest"
)

func (p *program) imagesCommand() *cli.Command {
	flags := func(more ...cli.Flag) []cli.Flag {
		return append([]cli.Flag{
			&cli.StringFlag{Name: "engine", Value: "auto", Usage: "podman, docker or auto"},
			&cli.StringFlag{Name: "runner-dir", Usage: "`DIR` with more runners"},
		}, more...)
	}
	return &cli.Command{
		Name:   "images",
		Usage:  "build, list or prune the runners' images",
		Action: subcommandNeeded,
		Subcommands: []*cli.Command{
			{Name: "build", Usage: "build what is missing", ArgsUsage: "[RUNNER…]", Flags: flags(deviceFlag()), Action: p.buildImages},
			{Name: "list", Usage: "show each image's state and size", ArgsUsage: "[RUNNER…]", Flags: flags(jsonFlag()), Action: p.listImages},
			{Name: "prune", Usage: "remove images that no runner and no baseline of the history needs any more", ArgsUsage: "[RUNNER…]",
				Flags: flags(&cli.BoolFlag{Name: "all", Usage: "remove the needed ones too"}), Action: p.pruneImages},
		},
	}
}

// imageStore is the engine's images and the runners that a command line names.
func (p *program) imageStore(c *cli.Context) (*images.Store, []manifest.Manifest, error) {
	all, err := knownRunners(c.String("runner-dir"))
	if err != nil {
		return nil, nil, err
	}
	wanted := c.Args().Slice()
	chosen, reference, err := selectRunners(all, wanted)
	if err != nil {
		return nil, nil, err
	}
	if len(wanted) == 0 {
		chosen = append([]manifest.Manifest{reference}, chosen...)
	}
	cache, err := p.cacheDir()
	if err != nil {
		return nil, nil, err
	}
	known, err := p.engines(cache)
	if err != nil {
		return nil, nil, err
	}
	if c.String("engine") == "auto" {
		known.all = known.all[:2] // a plain process has no image
	}
	picked, _, err := known.pick(c.Context, c.String("engine"))
	if err != nil {
		return nil, nil, err
	}
	store, err := p.store(picked, cache, p.newProgress())
	return store, chosen, err
}

func (p *program) buildImages(c *cli.Context) error {
	wanted, err := device.Parse(c.String("device"))
	if err != nil {
		return usage(fmt.Errorf("--device: %w", err))
	}
	store, chosen, err := p.imageStore(c)
	if err != nil {
		return err
	}
	if !wanted.CPU() {
		if chosen, err = forGPUs(chosen, c.NArg() > 0); err != nil {
			return err
		}
	}
	g := p.newProgress()
	store.Progress = func(step, line string) { g.step(step+": "+line, -1, 0) }
	var faults []error
	for _, m := range chosen {
		began := p.now()
		reference, _, err := store.Ensure(c.Context, m)
		g.end()
		if err != nil {
			faults = append(faults, fmt.Errorf("image of %s: %w", m.Name, err))
			continue
		}
		if _, err := fmt.Fprintf(p.stdout, "%s  %s  (%s)\n", m.Name, reference, roundDuration(p.now().Sub(began))); err != nil {
			return err
		}
	}
	return errors.Join(faults...)
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

func (p *program) listImages(c *cli.Context) error {
	store, chosen, err := p.imageStore(c)
	if err != nil {
		return err
	}
	rows, err := store.List(c.Context, chosen)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return p.printJSON(rows)
	}
	t := table.New("runner", "devices", "image", "state", "size")
	for _, s := range rows {
		state, size := "missing", ""
		if s.Built {
			state, size = "built", table.Bytes(s.Bytes)
		}
		t.Add(s.Runner, strings.Join(s.Devices, ", "), s.Image, state, size)
	}
	return t.Write(p.stdout, p.width)
}

func (p *program) pruneImages(c *cli.Context) error {
	store, chosen, err := p.imageStore(c)
	if err != nil {
		return err
	}
	keep, err := p.baselineImages(c.Context)
	if err != nil {
		return err
	}
	removed, err := store.Prune(c.Context, chosen, keep, c.Bool("all"))
	for _, name := range removed {
		if _, err := fmt.Fprintln(p.stdout, "removed", name); err != nil {
			return err
		}
	}
	return err
}

// baselineImages are the identities of the images that baselines of the history
// were measured with: a check measures them again.
func (p *program) baselineImages(ctx context.Context) ([]string, error) {
	h, err := p.historyAt("")
	if err != nil {
		return nil, nil // no home, no history
	}
	all, err := h.Baselines(ctx)
	var none *history.Refusal
	if errors.As(err, &none) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, b := range all {
		if b.Entry == nil {
			continue
		}
		rec, _, err := h.Read(*b.Entry)
		if err != nil {
			return nil, err
		}
		for _, r := range rec.Runners {
			if r.ImageID != "" && !slices.Contains(ids, r.ImageID) {
				ids = append(ids, r.ImageID)
			}
		}
	}
	return ids, nil
}
