package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/reports"
	"github.com/dlbench/dlbench/reports/table"
	"github.com/dlbench/dlbench/runners/images"
	"github.com/dlbench/dlbench/runners/manifest"
)

// Images that were built elsewhere: for clusters, and for machines without a
// network.

// shareCommands are the images' subcommands that take a place first, then
// runners.
func (p *program) shareCommands(flags func(...cli.Flag) []cli.Flag) []*cli.Command {
	digests := func(usage string) cli.Flag { return &cli.StringFlag{Name: "digests", Usage: usage} }
	return []*cli.Command{
		{Name: "push", Usage: "copy images to a registry", ArgsUsage: "REGISTRY/PREFIX [RUNNER…]",
			Flags: flags(deviceFlag(), jsonFlag(), digests("`FILE` to write the images' digests into")), Action: p.pushImages},
		{Name: "pull", Usage: "fetch images from a registry", ArgsUsage: "REGISTRY/PREFIX [RUNNER…]",
			Flags: flags(deviceFlag(), jsonFlag(), digests("`FILE` that push wrote: the images have to be those")), Action: p.pullImages},
		{Name: "save", Usage: "write images into a directory", ArgsUsage: "DIR [RUNNER…]", Flags: flags(deviceFlag(), jsonFlag()), Action: p.saveImages},
		{Name: "load", Usage: "bring in the images of a directory", ArgsUsage: "DIR", Flags: flags(jsonFlag()), Action: p.loadImages},
	}
}

// share finds the images and the place that the first argument names, keeps
// others from removing images meanwhile, and prints what came of it.
func (p *program) share(c *cli.Context, what string, do func(s *images.Store, chosen []manifest.Manifest, place string) ([]images.Shared, error)) (err error) {
	if c.NArg() == 0 {
		return usage(fmt.Errorf("images %s: name %s", c.Command.Name, what))
	}
	g := p.newProgress()
	defer g.End()
	of := readImages(c)
	of.named = of.named[1:]
	store, chosen, err := of.open(c.Context, p.host(), g)
	if err != nil {
		return err
	}
	release, err := p.useImages(c.Context, g)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	shared, err := do(store, chosen, c.Args().First())
	g.End()
	if err != nil && len(shared) == 0 {
		return err
	}
	t := table.New("image", "digest")
	for _, s := range shared {
		t.Add(s.Image, s.ID)
	}
	return errors.Join(p.print(c.Bool("json"), shared, t), err)
}

func (p *program) pushImages(c *cli.Context) error {
	if err := tryFiles(c, "digests"); err != nil {
		return err
	}
	return p.share(c, "REGISTRY/PREFIX", func(s *images.Store, chosen []manifest.Manifest, place string) ([]images.Shared, error) {
		pushed, err := s.Push(c.Context, chosen, place)
		if path := c.String("digests"); err == nil && path != "" {
			if err := reports.WriteFile(path, func(w io.Writer) error { return json.NewEncoder(w).Encode(pushed) }); err != nil {
				return pushed, unwritten(fmt.Errorf("write the digests: %w", err))
			}
		}
		return pushed, err
	})
}

func (p *program) pullImages(c *cli.Context) error {
	return p.share(c, "REGISTRY/PREFIX", func(s *images.Store, chosen []manifest.Manifest, place string) ([]images.Shared, error) {
		var digests []images.Shared
		if path := c.String("digests"); path != "" {
			data, err := os.ReadFile(path)
			if err == nil {
				err = json.Unmarshal(data, &digests)
			}
			if err != nil {
				return nil, usage(fmt.Errorf("read the digests: %w", err))
			}
		}
		return s.Pull(c.Context, chosen, place, digests)
	})
}

func (p *program) saveImages(c *cli.Context) error {
	if c.NArg() > 0 {
		dir, err := claimDir(c.Args().First())
		if err != nil {
			return err
		}
		defer dir.release()
	}
	return p.share(c, "a directory", func(s *images.Store, chosen []manifest.Manifest, dir string) ([]images.Shared, error) {
		index, err := s.Save(c.Context, chosen, dir)
		return index.Images, err
	})
}

func (p *program) loadImages(c *cli.Context) error {
	return p.share(c, "a directory", func(s *images.Store, _ []manifest.Manifest, dir string) ([]images.Shared, error) {
		return s.Load(c.Context, dir)
	})
}
