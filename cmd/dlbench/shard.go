package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/cluster"
	"github.com/dlbench/dlbench/runners/engine"
)

// shardCommand is what Slurm starts on a node; nobody types it.
func (p *program) shardCommand() *cli.Command {
	return &cli.Command{Name: "shard", Usage: "measure one shard of a run on a cluster", ArgsUsage: "DIR INDEX", Hidden: true, Action: p.doShard}
}

func (p *program) doShard(c *cli.Context) error {
	if c.NArg() != 2 {
		return usage(errors.New("shard: expected DIR INDEX; Slurm starts it, by dlbench run --cluster slurm"))
	}
	e, err := cluster.OpenElement(c.Args().Get(0), c.Args().Get(1), p.host())
	if err != nil {
		return err
	}
	err = p.measureShard(c.Context, e)
	if err == nil {
		return e.End(exitDone, "")
	}
	trouble, _, _ := strings.Cut(err.Error(), "\n")
	if bench.KindOf(err) == bench.Interrupted {
		trouble = "it was interrupted" // how to go on is a matter of the whole run
	}
	return errors.Join(err, e.End(exitCode(err), trouble))
}

func (p *program) measureShard(ctx context.Context, e *cluster.Element) error {
	if err := e.Begin(ctx); err != nil {
		return err
	}
	args, err := e.Arguments()
	if err != nil || args == nil {
		return err
	}
	here, err := p.onNode(e.Node())
	if err != nil {
		return err
	}
	here.turn = func(ctx context.Context) (func() error, error) {
		g := here.newProgress()
		defer g.End()
		return e.Turn(ctx, func(text string) { g.Say("%s", text) })
	}
	if err := here.loadOnNode(ctx, e); err != nil {
		return err
	}
	return here.app().RunContext(ctx, append([]string{"dlbench", "run"}, args...))
}

// onNode is the program with a cache of this node's own: homes are often shared
// between the nodes of a cluster, and what a cache says of a machine, who is at
// work on it, and which verdicts its processor gave, is of one machine.
func (p *program) onNode(node string) (*program, error) {
	const variable = "XDG_CACHE_HOME"
	shared, err := p.host().CacheDir()
	if err != nil {
		return nil, err
	}
	here, own := *p, filepath.Join(shared, "nodes", node)
	here.getenv = func(name string) string {
		if name == variable {
			return own
		}
		return p.getenv(name)
	}
	here.environ = func() []string {
		return append(slices.DeleteFunc(p.environ(), func(each string) bool { return strings.HasPrefix(each, variable+"=") }), variable+"="+own)
	}
	return &here, nil
}

// loadOnNode brings in the images that the node lacks, a few nodes at once.
func (p *program) loadOnNode(ctx context.Context, e *cluster.Element) (err error) {
	if e.Images() == "" {
		return nil
	}
	g := p.newProgress()
	defer g.End()
	h := p.host()
	cache, err := h.CacheDir()
	if err != nil {
		return err
	}
	known, err := h.KnownEngines(cache)
	if err != nil {
		return err
	}
	picked, _, err := known.Pick(ctx, e.Engine(bench.Defaults().Engine))
	if err != nil {
		return err
	}
	command, ok := picked.(*engine.CLI)
	if !ok {
		g.Say("engine %s needs no images", picked.Name())
		return nil
	}
	store := h.Store(command, cache, "", g)
	lacks, err := store.Lacks(ctx, e.Images())
	if err != nil || !lacks {
		return err
	}
	release, err := e.Turn(ctx, func(text string) { g.Say("%s", text) })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	if lacks, err = store.Lacks(ctx, e.Images()); err != nil || !lacks { // nodes may share what they load into
		return err
	}
	unlock, err := bench.UseImages(ctx, cache, g)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	_, err = store.Load(ctx, e.Images())
	return err
}
