package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/reports/table"
)

func (p *program) buildImages(c *cli.Context) error {
	wanted, err := device.Parse(c.String("device"))
	if err != nil {
		return usage(fmt.Errorf("--device: %w", err))
	}
	g := p.newProgress()
	defer g.End()
	store, chosen, err := readImages(c).open(c.Context, p.host(), g)
	if err != nil {
		return err
	}
	if !wanted.CPU() {
		if chosen, err = forGPUs(chosen, c.NArg() > 0); err != nil {
			return err
		}
	}
	var faults []error
	for _, m := range chosen {
		began := p.now()
		reference, _, err := store.Ensure(c.Context, m)
		g.End()
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
