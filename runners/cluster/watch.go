package cluster

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dlbench/dlbench/runners/bench"
)

// How often Slurm is asked: soon after something has changed, and seldom while
// nothing does. A controller has others to serve.
const (
	soonest = time.Second
	longest = 30 * time.Second
)

// Wait tells what changes until no job is left, or until it is interrupted.
func (c *Campaign) Wait(ctx context.Context) error {
	pause, silent := soonest, ""
	for {
		states, err := c.look(ctx)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && !unreachable(err):
			return bench.EnvironmentError(fmt.Errorf("ask Slurm how the jobs are: %w", err), "the jobs go on; dlbench run --resume "+c.Dir+" looks again")
		case err != nil:
			if silent == "" {
				c.Progress.Say("Slurm does not answer, and is asked again: %v", err)
			}
			silent = err.Error()
		default:
			if silent != "" {
				c.Progress.Say("Slurm answers again")
				silent = ""
			}
			changed, left := c.tell(states)
			if left == 0 {
				return c.settle(ctx)
			}
			if changed {
				pause = soonest
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
			pause = min(longest, pause*3/2)
		}
	}
}

// tell says a line for every shard that changed, and how many jobs are left.
func (c *Campaign) tell(states map[int]state) (changed bool, left int) {
	for i := range c.plan.Shards {
		s := states[i]
		if !final(s) {
			left++
		}
		words := c.words(i, s)
		if words == c.told[i] {
			continue
		}
		c.told[i], changed = words, true
		c.Progress.Say("shard %d: %s", i, words)
	}
	done := len(c.plan.Shards) - left
	c.Progress.Step(fmt.Sprintf("%d of %d shards have ended", done, len(c.plan.Shards)), float64(done)/float64(len(c.plan.Shards)), 0)
	return changed, left
}

// words are what a shard's line says.
func (c *Campaign) words(i int, s state) string {
	job := fmt.Sprintf("job %s_%d", c.plan.jobOf(i), i)
	switch {
	case s.name == "":
		return job + " is not known to Slurm any more"
	case s.name == "PENDING" && s.reason != "" && s.reason != "None":
		return fmt.Sprintf("%s waits (%s)", job, s.reason)
	case s.name == "RUNNING":
		return fmt.Sprintf("%s runs on %s", job, s.node)
	case s.name == "COMPLETED":
		return fmt.Sprintf("%s has ended on %s", job, s.node)
	case s.node == "":
		return fmt.Sprintf("%s is %s", job, strings.ToLower(s.name))
	}
	return fmt.Sprintf("%s is %s on %s", job, strings.ToLower(s.name), s.node)
}

// visible is how long a file that a node has closed may take to be seen here, on a
// file system that keeps what it was told for a while.
const visible = 30 * time.Second

// settle waits until what the nodes wrote is to be seen here.
func (c *Campaign) settle(ctx context.Context) error {
	for end := c.Now().Add(visible); ; {
		unseen := false
		for i := range c.plan.Shards {
			n := readNode(c.Dir, i)
			ended := c.last[i].name == "COMPLETED" || c.last[i].name == "FAILED"
			unseen = unseen || ended && n.Ended == nil
		}
		if !unseen || c.Now().After(end) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(soonest):
		}
	}
}

// leaving is how long cancelled jobs have to leave the nodes.
const leaving = 2 * time.Minute

// Cancel ends the jobs that are left, and waits until they have.
func (c *Campaign) Cancel(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaving)
	defer cancel()
	var jobs []string
	for _, job := range c.plan.Jobs {
		jobs = append(jobs, job.ID)
	}
	if len(jobs) == 0 {
		return nil
	}
	c.Progress.Say("cancel the jobs %s", strings.Join(jobs, ", "))
	if err := c.slurm.cancel(ctx, jobs); err != nil && !strings.Contains(err.Error(), "Invalid job id") {
		return bench.EnvironmentError(fmt.Errorf("cancel the jobs: %w", err), "scancel "+strings.Join(jobs, " "))
	}
	return c.Wait(ctx)
}
