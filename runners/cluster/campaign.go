package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/bench"
	"github.com/dlbench/dlbench/runners/engine"
)

// Campaign is a run on a cluster, as the machine sees it that submits or watches.
type Campaign struct {
	Dir      string // absolute, and every node sees it
	Environ  []string
	Now      func() time.Time
	Progress bench.Progress

	plan  *Plan
	slurm slurm
	told  map[int]string // what was said of each shard last
	last  map[int]state  // what Slurm said of it last
	mute  bool           // that there are no accounts was said
}

// Begin puts what the nodes need into the directory, and submits all shards. A
// plan that Slurm refuses leaves nothing.
func (c *Campaign) Begin(ctx context.Context, p *Plan, r Request, program string) (err error) {
	p.SchemaVersion, p.Created = schemaVersion, c.Now().UTC()
	c.open(p)
	if strings.ContainsAny(c.Dir, "\\\n") {
		return bench.UsageError(fmt.Errorf("--out %q: Slurm takes no directory with a backslash or a line's end in its name", c.Dir))
	}
	if p.Sbatch, err = r.arguments(p.Suite, c.Dir); err != nil {
		return bench.UsageError(err)
	}
	if err := c.enoughNodes(ctx, r); err != nil {
		return err
	}
	if err := c.furnish(program); err != nil {
		return noRoom(c.Dir, err)
	}
	all := make([]int, len(p.Shards))
	for i := range all {
		all[i] = i
	}
	if err := c.submit(ctx, all, nil); err != nil {
		return errors.Join(err, c.clear())
	}
	return nil
}

func (c *Campaign) open(p *Plan) {
	c.plan, c.slurm = p, slurm{c.Environ}
	c.told, c.last = map[int]string{}, map[int]state{}
}

// enoughNodes refuses to spread over more nodes than a partition has: the last
// shards would wait forever.
func (c *Campaign) enoughNodes(ctx context.Context, r Request) error {
	if c.plan.Spread != record.ByNodes {
		return nil
	}
	nodes, err := c.slurm.nodesOf(ctx, r.Partition)
	if err != nil || len(nodes) == 0 || len(nodes) >= len(c.plan.Shards) {
		return nil // Slurm itself refuses what it does not know
	}
	where := "the default partition"
	if r.Partition != "" {
		where = "partition " + r.Partition
	}
	return bench.EnvironmentError(fmt.Errorf("--nodes %d --spread nodes: %s has %d (%s)", len(c.plan.Shards), where, len(nodes), strings.Join(nodes, ",")), "give fewer --nodes, or another --partition")
}

// furnish puts there what every job needs.
func (c *Campaign) furnish(program string) error {
	if err := copyFile(program, filepath.Join(c.Dir, programFile), 0o755); err != nil {
		return err
	}
	for _, s := range c.plan.Shards {
		if err := os.MkdirAll(ShardDir(c.Dir, s.Index), 0o755); err != nil { // Slurm makes none for what a job prints
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(c.Dir, scriptFile), []byte(script(c.Dir)), 0o755); err != nil {
		return err
	}
	return c.plan.save(c.Dir)
}

func noRoom(dir string, err error) error {
	return bench.EnvironmentError(fmt.Errorf("prepare the run's directory %s: %w", dir, err), "make room, or give an --out on another file system that every node sees")
}

// clear removes what furnish made, when nothing was submitted.
func (c *Campaign) clear() error {
	var faults []error
	for _, name := range []string{programFile, scriptFile, planFile, shardsDir, filesDir} {
		faults = append(faults, os.RemoveAll(filepath.Join(c.Dir, name)))
	}
	return errors.Join(faults...)
}

// Leave removes what only jobs need, when all of them have left whole records: nights
// are kept by the dozen, each with a program.
func (c *Campaign) Leave(all []Rest) error {
	if slices.ContainsFunc(all, func(r Rest) bool { return r.Missing != "" }) {
		return nil
	}
	return os.Remove(filepath.Join(c.Dir, programFile))
}

// submit submits shards as one array, and keeps its number before anything else.
func (c *Campaign) submit(ctx context.Context, shards []int, more []string) error {
	args := append(slices.Clone(c.plan.Sbatch), more...)
	submitted := c.Now().UTC() // a job may begin before sbatch has ended
	id, err := c.slurm.submit(ctx, append(args, "--array="+list(shards), filepath.Join(c.Dir, scriptFile))...)
	if err != nil {
		if ctx.Err() != nil {
			return err
		}
		return bench.EnvironmentError(fmt.Errorf("submit the shards %s: %w", list(shards), err), c.slurm.remedy(ctx, err, args))
	}
	c.plan.Jobs = append(c.plan.Jobs, Job{ID: id, Shards: shards, Submitted: submitted})
	if err := c.plan.save(c.Dir); err != nil { // jobs that no file names would be lost to everybody
		return errors.Join(noRoom(c.Dir, err), c.slurm.cancel(context.WithoutCancel(ctx), []string{id}))
	}
	c.Progress.Say("submitted as job %s: shards %s of %d", id, list(shards), len(c.plan.Shards))
	return nil
}

// list is an array's elements as sbatch takes them, which is the form of CPU lists.
func list(shards []int) string { return engine.FormatCPUs(shards) }

// Resume looks at a campaign that was submitted by whomever, and submits again
// what ended without a complete record. r is what Slurm is asked for in addition.
func (c *Campaign) Resume(ctx context.Context, r Request) error {
	p, err := ReadPlan(c.Dir)
	if err != nil {
		return err
	}
	c.open(p)
	states, err := c.look(ctx)
	if err != nil {
		return err
	}
	var again []int
	var complete []string
	for i := range p.Shards {
		m := p.collect(c.Dir, i, states[i], c.Now())
		switch {
		case m.Missing == "":
			complete = append(complete, m.Node)
		case final(states[i]):
			c.Progress.Say("shard %d is submitted again: %s", i, m.Missing)
			again = append(again, i)
		default:
			complete = append(complete, m.Node) // its node is taken
		}
	}
	if len(again) == 0 {
		return nil
	}
	if err := There(); err != nil {
		return err
	}
	var more []string
	if r.Partition != "" {
		more = append(more, "--partition="+r.Partition)
	}
	if r.Constraint != "" {
		more = append(more, "--constraint="+r.Constraint)
	}
	complete = slices.DeleteFunc(complete, func(node string) bool { return node == "" })
	if p.Spread == record.ByNodes && len(complete) > 0 {
		more = append(more, "--exclude="+strings.Join(complete, ","))
	}
	return c.submit(ctx, again, append(more, r.More...))
}

// look asks Slurm for every shard's newest job.
func (c *Campaign) look(ctx context.Context) (map[int]state, error) {
	var jobs []string
	for _, job := range c.plan.Jobs {
		jobs = append(jobs, job.ID)
	}
	if len(jobs) == 0 {
		return map[int]state{}, nil
	}
	queued, err := c.slurm.queued(ctx, jobs)
	if err != nil {
		return nil, err
	}
	var accounted map[task]state
	states := map[int]state{}
	for i := range c.plan.Shards {
		of := task{c.plan.jobOf(i), i}
		if s, known := queued[of]; known {
			states[i] = s
			continue
		}
		if accounted == nil {
			if accounted, err = c.accounts(ctx, jobs); err != nil {
				return nil, err
			}
		}
		s := accounted[of]
		if s.name == "" && c.last[i].name != "" && final(c.last[i]) {
			s = c.last[i] // both have forgotten what one of them said
		}
		states[i] = s
	}
	c.last = states
	return states, nil
}

// accounts asks for them; a cluster without any has none.
func (c *Campaign) accounts(ctx context.Context, jobs []string) (map[task]state, error) {
	found, err := c.slurm.accounted(ctx, jobs)
	if err == nil {
		return found, nil
	}
	if ctx.Err() != nil {
		return nil, err
	}
	if !c.mute {
		c.Progress.Say("%v: what became of jobs that the controller has forgotten is known from their files only", err)
	}
	c.mute = true
	return map[task]state{}, nil
}

// Collect shows what every shard left, one after the other: the records of a
// thousand nodes need not be in memory at once. It may be called at any time.
func (c *Campaign) Collect(visit func(Member)) []Rest {
	all := make([]Rest, len(c.plan.Shards))
	named := false
	for i := range c.plan.Shards {
		m := c.plan.collect(c.Dir, i, c.last[i], c.Now())
		visit(m)
		all[i] = Rest{Shard: i, Node: m.Node, Missing: m.Missing, Failed: m.Record != nil && bench.HasFailures(m.Record)}
		if m.Node != "" && m.Node != c.plan.Shards[i].Node {
			c.plan.Shards[i].Node, named = m.Node, true
		}
	}
	if named {
		_ = c.plan.save(c.Dir) // node.json has it, too
	}
	return all
}

// Spread is how the campaign is spread over nodes.
func (c *Campaign) Spread() string { return c.plan.Spread }

// Outcome is what the shards amount to.
func (c *Campaign) Outcome(all []Rest) error {
	var missing []string
	failed := 0
	for _, r := range all {
		if r.Missing != "" {
			missing = append(missing, r.Name()+": "+r.Missing)
		} else if r.Failed {
			failed++
		}
	}
	switch {
	case len(missing) > 0:
		return bench.EnvironmentError(fmt.Errorf("%d of %d shards have no complete record\n%s", len(missing), len(all), strings.Join(missing, "\n")), "dlbench run --resume "+c.Dir)
	case failed > 0:
		return bench.Failed("in %d of %d shards a runner failed or did not pass parity", failed, len(all))
	}
	return nil
}
