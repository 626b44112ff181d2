package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/timeline"
	"github.com/dlbench/dlbench/reports/table"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/images"
)

func (p *program) buildImages(c *cli.Context) (err error) {
	if err := positive(c, "jobs"); err != nil {
		return err
	}
	g := p.newProgress()
	defer g.End()
	store, chosen, err := readImages(c).open(c.Context, p.host(), g)
	if err != nil {
		return err
	}
	given(c, "jobs", c.Int, &store.Jobs)
	times := filepath.Join(store.Logs, timeline.FileName)
	if err := os.Remove(times); err != nil && !errors.Is(err, fs.ErrNotExist) { // that of the last time
		return err
	}
	store.Timeline = timeline.New(times, p.now)
	release, err := p.useImages(c.Context, g)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	if places, err := store.Room(c.Context, chosen); err == nil {
		if err := images.Enough(places); err != nil {
			return err
		}
	}
	var faults []error
	err = store.EnsureAll(c.Context, chosen, func(i int, b images.Built) {
		g.End()
		if b.Err != nil {
			faults = append(faults, fmt.Errorf("image of %s: %w", chosen[i].Name, b.Err))
		} else if _, err := fmt.Fprintf(p.stdout, "%s  %s  (after %s)\n", chosen[i].Name, b.Reference, roundDuration(b.Took)); err != nil {
			faults = append(faults, err)
		}
	})
	if err != nil { // the images that were not built are no finding then
		return err
	}
	return errors.Join(append(faults, store.Timeline.Fault())...)
}

// useImages makes a builder known to every other dlbench, says who they are, and
// keeps them from removing what it builds on.
func (p *program) useImages(ctx context.Context, g bench.Progress) (release func() error, err error) {
	h := p.host()
	cache, err := h.CacheDir()
	if err != nil {
		return nil, err
	}
	for _, w := range bench.Neighbours(cache) {
		g.Say("%s: %s", w.Code, w.Text)
	}
	self, err := h.Claim(cache)
	if err != nil {
		return nil, err
	}
	unlock, err := bench.UseImages(ctx, cache, g)
	if err != nil {
		return nil, errors.Join(err, self.Release())
	}
	return func() error { return errors.Join(unlock(), self.Release()) }, nil
}

func (p *program) listImages(c *cli.Context) error {
	store, chosen, err := readImages(c).open(c.Context, p.host(), nil)
	if err != nil {
		return err
	}
	rows, err := store.List(c.Context, chosen)
	if err != nil {
		return err
	}
	t := table.New("runner", "devices", "image", "state", "size")
	for _, s := range rows {
		state, size := "missing", ""
		if s.Built {
			state, size = "built", table.Bytes(s.Bytes)
		}
		t.Add(s.Runner, strings.Join(s.Devices, ", "), s.Image, state, size)
	}
	return p.print(c.Bool("json"), rows, t)
}
