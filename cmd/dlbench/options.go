package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/runners/bench"
)

// given takes a flag's value if it was given: what was not asked stays as it is.
func given[T any](c *cli.Context, name string, read func(string) T, into *T) {
	if c.IsSet(name) {
		*into = read(name)
	}
}

// positive refuses counts and times that were given and are not above zero.
func positive(c *cli.Context, names ...string) error {
	for _, name := range names {
		if !c.IsSet(name) {
			continue
		}
		if n, ok := c.Value(name).(int); ok && n < 1 {
			return usage(fmt.Errorf("--%s is %d, expected at least 1", name, n))
		}
		if d, ok := c.Value(name).(time.Duration); ok && d <= 0 {
			return usage(fmt.Errorf("--%s is %s, expected a time like 100ms", name, d))
		}
	}
	return nil
}

// noArguments refuses words that no flag takes.
func noArguments(c *cli.Context) error {
	if c.NArg() > 0 {
		return usage(fmt.Errorf("unexpected argument %q", c.Args().First()))
	}
	return nil
}

// readSetup reads the setup's flags over what stands there.
func (p *program) readSetup(c *cli.Context, g bench.Progress, s *bench.Setup) error {
	if err := noArguments(c); err != nil {
		return err
	}
	s.Host, s.Progress = p.host(), g
	list := func(name string) []string { return listed(c.StringSlice(name)) }
	given(c, "suite", c.String, &s.Suite)
	given(c, "workload", list, &s.Workloads)
	given(c, "network", list, &s.Networks)
	given(c, "input", c.String, &s.Input)
	given(c, "weights", c.String, &s.Weights)
	given(c, "mode", list, &s.Modes)
	given(c, "data", c.String, &s.Data)
	given(c, "runner", list, &s.Runners)
	given(c, "runner-dir", c.String, &s.RunnerDir)
	given(c, "engine", c.String, &s.Engine)
	given(c, "jobs", c.Int, &s.Jobs)
	given(c, "seed", c.Uint64, &s.Seed)
	given(c, "device", c.String, &s.Device)
	given(c, "exclusive", c.Bool, &s.Exclusive)
	given(c, "threads", c.Int, &s.Threads)
	given(c, "cpus", c.String, &s.CPUs)
	for _, text := range list("batch") {
		batch, err := strconv.Atoi(text)
		if err != nil {
			return usage(fmt.Errorf("--batch %q, expected whole numbers", text))
		}
		s.Batches = append(s.Batches, batch)
	}
	return positive(c, "threads", "jobs")
}

// setup reads the setup's flags over the defaults.
func (p *program) setup(c *cli.Context, g bench.Progress) (bench.Setup, error) {
	s := bench.Defaults().Setup
	return s, p.readSetup(c, g, &s)
}

// readMeasure reads the flags of a campaign over what stands there.
func (p *program) readMeasure(c *cli.Context, g bench.Progress, o *bench.Options) error {
	list := func(name string) []string { return listed(c.StringSlice(name)) }
	given(c, "profile", c.String, &o.Profile)
	given(c, "rounds", c.Int, &o.Rounds)
	given(c, "budget", c.Duration, &o.Budget)
	given(c, "scenario", list, &o.Scenarios)
	given(c, "latency-bound", c.Duration, &o.LatencyBound)
	given(c, "volume", c.String, &o.Volume)
	if c.IsSet("overlap") {
		overlap := c.Float64("overlap")
		o.Overlap = &overlap
	}
	given(c, "strict", list, &o.Strict)
	given(c, "no-verify", c.Bool, &o.SkipParity)
	given(c, "machine", c.String, &o.Machine)
	given(c, "branch", c.String, &o.Branch)
	if err := positive(c, "rounds", "latency-bound"); err != nil {
		return err
	}
	return p.readSetup(c, g, &o.Setup)
}

// listed splits repeated and comma-separated values.
func listed(values []string) []string {
	var out []string
	for _, value := range values {
		for _, part := range strings.Split(value, ",") {
			if part = strings.TrimSpace(part); part != "" {
				out = append(out, part)
			}
		}
	}
	return out
}
