package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/reports/history"
	"github.com/dlbench/dlbench/runners/bench"
)

func (p *program) pruneImages(c *cli.Context) (err error) {
	store, chosen, err := readImages(c).open(c.Context, p.host(), nil)
	if err != nil {
		return err
	}
	cache, err := p.host().CacheDir()
	if err != nil {
		return err
	}
	release, err := bench.ChangeImages(cache)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
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
	ids, err := h.BaselineImages(ctx)
	var none *history.Refusal
	if errors.As(err, &none) {
		return nil, nil
	}
	return ids, err
}
