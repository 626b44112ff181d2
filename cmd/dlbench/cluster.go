package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/cluster"
	"github.com/dlbench/dlbench/runners/images"
	"github.com/dlbench/dlbench/workloads/names"
)

// A run on a cluster: the flags, the submission, and going on with one.

// clusterFlags say which machines measure.
func clusterFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "cluster", Usage: "measure on nodes of a `CLUSTER`: slurm"},
		&cli.IntFlag{Name: "nodes", Usage: "on `N` nodes"},
		&cli.StringFlag{Name: "spread", Value: record.ByWorkloads, Usage: "what a node gets: its share of the workloads, or (nodes) all of them"},
		&cli.StringFlag{Name: "partition", Usage: "Slurm's `PARTITION`"},
		&cli.StringFlag{Name: "constraint", Usage: "only nodes with these `FEATURES`"},
		&cli.GenericFlag{Name: "sbatch-arg", Value: &asGiven{}, Usage: "give sbatch this `WORD`, like --time=2:00:00; may be repeated"},
		&cli.StringFlag{Name: "images", Usage: "have the nodes load what they lack of the images in `DIR`, which images save wrote and every node sees"},
	}
}

// detachFlag is of a run only: a night waits for its jobs.
func detachFlag() cli.Flag {
	return &cli.BoolFlag{Name: "detach", Usage: "do not wait for the jobs: print the run's directory, for --resume"}
}

// asGiven is every word that a flag is given, as it is: those for sbatch have commas.
type asGiven []string

func (w *asGiven) Set(word string) error {
	*w = append(*w, word)
	return nil
}

func (w *asGiven) String() string { return strings.Join(*w, " ") }

// asksSlurm are the flags that a run which goes on may still have.
var asksSlurm = []string{"partition", "constraint", "sbatch-arg", "detach", "json", "resume"}

// withoutCluster refuses the cluster's flags for a run on this machine.
func withoutCluster(c *cli.Context) error {
	for _, f := range append(clusterFlags(), detachFlag()) {
		if name := f.Names()[0]; c.IsSet(name) {
			return usage(fmt.Errorf("--%s is about a cluster: give --cluster slurm too", name))
		}
	}
	return nil
}

func (p *program) runOnCluster(c *cli.Context) error {
	g := p.newProgress()
	defer g.End()
	o, plan, err := p.planCluster(c, g)
	if err != nil {
		return err
	}
	dir, err := claimRun(o.Dir, c.String("out") != "")
	if err != nil {
		return err
	}
	defer dir.release()
	run, err := p.submit(c, g, plan, dir.path, o.Device)
	if err != nil {
		return err
	}
	return p.attend(c, g, run, dir.path)
}

// submit submits a plan whose files lie in a directory.
func (p *program) submit(c *cli.Context, g *progress, plan *cluster.Plan, dir, device string) (*cluster.Campaign, error) {
	run, err := p.campaignIn(dir, g)
	if err != nil {
		return nil, err
	}
	if plan.Arguments, err = p.shardArguments(c, g, run.Dir); err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the program's own file: %w", err)
	}
	return run, run.Begin(c.Context, plan, readRequest(c, device), program)
}

func (p *program) campaignIn(dir string, g *progress) (*cluster.Campaign, error) {
	whole, err := filepath.Abs(dir)
	return &cluster.Campaign{Dir: whole, Environ: p.environ(), Now: p.now, Progress: g}, err
}

func readRequest(c *cli.Context, device string) cluster.Request {
	return cluster.Request{Partition: c.String("partition"), Constraint: c.String("constraint"), More: *c.Generic("sbatch-arg").(*asGiven), Device: device}
}

// readCluster refuses what the cluster's flags do not allow.
func readCluster(c *cli.Context) error {
	switch {
	case c.String("cluster") != cluster.Slurm:
		return unknown("cluster", c.String("cluster"), []string{cluster.Slurm})
	case !c.IsSet("nodes"):
		return usage(errors.New("--cluster slurm: give --nodes, how many machines measure"))
	case !slices.Contains(record.Spreads(), c.String("spread")):
		return usage(names.Unknown("spread", c.String("spread"), record.Spreads()))
	}
	return positive(c, "nodes")
}

// planCluster reads everything that is asked, and refuses what can be refused
// before anything is submitted.
func (p *program) planCluster(c *cli.Context, g *progress) (bench.Options, *cluster.Plan, error) {
	if err := readCluster(c); err != nil {
		return bench.Defaults(), nil, err
	}
	o, err := p.runOptions(c.String("resume"), c.String("out"), suiteName(c))
	if err != nil {
		return o, nil, err
	}
	if err := p.readMeasure(c, g, &o); err != nil {
		return o, nil, err
	}
	if _, err := device.Parse(o.Device); err != nil {
		return o, nil, usage(fmt.Errorf("--device: %w", err))
	}
	if err := cluster.There(); err != nil {
		return o, nil, err
	}
	chosen, times, err := o.Times()
	if err != nil {
		return o, nil, err
	}
	var workloads []cluster.Workload
	for i, id := range chosen.Workloads {
		workloads = append(workloads, cluster.Workload{ID: id.String(), Time: times[i]})
	}
	shards, err := cluster.Spread(c.String("spread"), workloads, c.Int("nodes"))
	if len(shards) < c.Int("nodes") && err == nil {
		g.Say("%d of %d nodes get something to do: a workload stays on one node", len(shards), c.Int("nodes"))
	}
	if err != nil {
		return o, nil, err
	}
	plan := &cluster.Plan{Spread: c.String("spread"), Suite: suiteName(c), Shards: shards}
	if dir := c.String("images"); dir != "" {
		needed, err := o.Needed(chosen.Suite)
		if err == nil {
			err = images.Holds(dir, needed)
		}
		if err != nil {
			return o, nil, err
		}
		if plan.Images, err = filepath.Abs(dir); err != nil {
			return o, nil, err
		}
	}
	return o, plan, nil
}

// attend waits for the jobs of a campaign, or leaves them, and shows what came of
// them.
func (p *program) attend(c *cli.Context, g *progress, run *cluster.Campaign, dir string) error {
	if c.Bool("detach") {
		g.End()
		_, err := fmt.Fprintln(p.stdout, dir)
		return err
	}
	g.Say("the jobs go on if this terminal does not; dlbench run --resume %s looks again. Ctrl-C cancels them", dir)
	waited := untilEnded(c.Context, run)
	g.End()
	rest, err := p.showCluster(run, dir, c.Bool("json"))
	return ended(c.Context, run, rest, dir, errors.Join(err, waited))
}

// untilEnded waits for the jobs of a campaign; an interruption cancels them.
func untilEnded(ctx context.Context, run *cluster.Campaign) error {
	err := run.Wait(ctx)
	if ctx.Err() != nil {
		err = run.Cancel(ctx)
	}
	return err
}

// ended is what a campaign amounts to whose jobs have ended.
func ended(ctx context.Context, run *cluster.Campaign, rest []cluster.Rest, dir string, err error) error {
	switch {
	case ctx.Err() != nil:
		return &bench.Error{Kind: bench.Interrupted, Err: errors.Join(ctx.Err(), bench.Besides(err)), Hint: "go on with dlbench run --resume " + dir}
	case err != nil:
		return err
	}
	return run.Outcome(rest)
}

func (p *program) resumeOnCluster(c *cli.Context) error {
	for _, name := range c.FlagNames() {
		if !slices.Contains(asksSlurm, name) {
			return usage(fmt.Errorf("--%s: a run on a cluster goes on as it was asked; only --%s may be given again", name, strings.Join(asksSlurm[:len(asksSlurm)-2], ", --")))
		}
	}
	dir := &claimed{path: c.String("resume")}
	defer dir.release()
	if err := dir.lock(); err != nil {
		return err
	}
	g := p.newProgress()
	defer g.End()
	run, err := p.campaignIn(dir.path, g)
	if err != nil {
		return err
	}
	if err := run.Resume(c.Context, readRequest(c, device.CPU.Name)); err != nil {
		return err
	}
	return p.attend(c, g, run, dir.path)
}
