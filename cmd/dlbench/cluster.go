package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/device"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/cluster"
	"github.com/dlbench/dlbench/workloads/names"
)

// A run on a cluster: the flags, the submission, and going on with one.

// clusterFlags say which machines measure.
func clusterFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "cluster", Usage: "measure on nodes of a `CLUSTER`: slurm"},
		&cli.IntFlag{Name: "nodes", Usage: "on `N` nodes"},
		&cli.StringFlag{Name: "spread", Value: cluster.ByWorkloads, Usage: "what a node gets: its share of the workloads, or (nodes) all of them"},
		&cli.StringFlag{Name: "partition", Usage: "Slurm's `PARTITION`"},
		&cli.StringFlag{Name: "constraint", Usage: "only nodes with these `FEATURES`"},
		&cli.StringSliceFlag{Name: "sbatch-arg", Usage: "give sbatch this `WORD`, like --time=2:00:00; may be repeated"},
		&cli.BoolFlag{Name: "detach", Usage: "do not wait for the jobs: print the run's directory, for --resume"},
	}
}

// asksSlurm are the flags that a run which goes on may still have.
var asksSlurm = []string{"partition", "constraint", "sbatch-arg", "detach", "json", "resume"}

// withoutCluster refuses the cluster's flags for a run on this machine.
func withoutCluster(c *cli.Context) error {
	for _, f := range clusterFlags() {
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
	claim := claimDir
	if c.String("out") == "" {
		claim = claimNew
	}
	dir, err := claim(o.Dir)
	if err != nil {
		return err
	}
	defer dir.release()
	if err := dir.lock(); err != nil {
		return err
	}
	run, err := p.campaignIn(dir.path, g)
	if err != nil {
		return err
	}
	if plan.Arguments, err = p.shardArguments(c, g, o, run.Dir); err != nil {
		return err
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the program's own file: %w", err)
	}
	if err := run.Begin(c.Context, plan, readRequest(c, o.Device), program); err != nil {
		return err
	}
	return p.attend(c, g, run, dir.path)
}

func (p *program) campaignIn(dir string, g *progress) (*cluster.Campaign, error) {
	whole, err := filepath.Abs(dir)
	return &cluster.Campaign{Dir: whole, Environ: p.environ(), Now: p.now, Progress: g}, err
}

func readRequest(c *cli.Context, device string) cluster.Request {
	return cluster.Request{Partition: c.String("partition"), Constraint: c.String("constraint"), More: c.StringSlice("sbatch-arg"), Device: device}
}

// planCluster reads everything that is asked, and refuses what can be refused
// before anything is submitted.
func (p *program) planCluster(c *cli.Context, g *progress) (bench.Options, *cluster.Plan, error) {
	o := bench.Defaults()
	switch {
	case c.String("cluster") != cluster.Slurm:
		return o, nil, unknown("cluster", c.String("cluster"), []string{cluster.Slurm})
	case !c.IsSet("nodes"):
		return o, nil, usage(errors.New("--cluster slurm: give --nodes, how many machines measure"))
	case !slices.Contains(cluster.Spreads(), c.String("spread")):
		return o, nil, usage(names.Unknown("spread", c.String("spread"), cluster.Spreads()))
	}
	if err := positive(c, "nodes"); err != nil {
		return o, nil, err
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
	return o, &cluster.Plan{Spread: c.String("spread"), Suite: suiteName(c), Shards: shards}, err
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
	waited := run.Wait(c.Context)
	interrupted := c.Context.Err() != nil
	if interrupted {
		waited = run.Cancel(c.Context)
	}
	g.End()
	members := run.Records()
	err := errors.Join(p.showCluster(run, dir, members, c.Bool("json")), waited)
	switch {
	case interrupted:
		return &bench.Error{Kind: bench.Interrupted, Err: errors.Join(fmt.Errorf("%w; go on with dlbench run --resume %s", c.Context.Err(), dir), bench.Besides(err))}
	case err != nil:
		return err
	}
	return run.Outcome(members)
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
	return errors.Join(err, e.End(exitCode(err), trouble))
}

func (p *program) measureShard(ctx context.Context, e *cluster.Element) error {
	if err := e.Begin(ctx); err != nil {
		return err
	}
	here := p.onNode(e.Node())
	args, err := e.Arguments()
	if err != nil || args == nil {
		return err
	}
	return here.app().RunContext(ctx, append([]string{"dlbench", "run"}, args...))
}

// onNode is the program with a cache of this node's own: homes are often shared
// between the nodes of a cluster, and what a cache says of a machine, who is at
// work on it, and which verdicts its processor gave, is of one machine.
func (p *program) onNode(node string) *program {
	const variable = "XDG_CACHE_HOME"
	base := p.getenv(variable)
	if base == "" && p.getenv("HOME") != "" {
		base = filepath.Join(p.getenv("HOME"), ".cache")
	}
	if base == "" {
		return p
	}
	here := *p
	own := filepath.Join(base, "dlbench", "nodes", node)
	here.getenv = func(name string) string {
		if name == variable {
			return own
		}
		return p.getenv(name)
	}
	here.environ = func() []string {
		return append(slices.DeleteFunc(p.environ(), func(each string) bool { return strings.HasPrefix(each, variable+"=") }), variable+"="+own)
	}
	here.now = time.Now
	return &here
}
