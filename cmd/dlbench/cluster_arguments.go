package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/runners/cluster"
	"github.com/dlbench/dlbench/workloads/suite"
)

// shardArguments are the words of the dlbench run that every shard is, as they
// were given here, with paths that every node can follow.
func (p *program) shardArguments(c *cli.Context, g *progress, dir string) ([]string, error) {
	flags := append(append(setupFlags(), measureFlags()...), &cli.BoolFlag{Name: "no-verify"})
	var args []string
	for _, f := range flags {
		name := f.Names()[0]
		if !c.IsSet(name) || name == "workload" { // which the plan deals out
			continue
		}
		values, err := valuesOf(c, f)
		if err == nil {
			values, err = seenByNodes(g, name, values, dir)
		}
		if err != nil {
			return nil, err
		}
		for _, value := range values {
			args = append(args, "--"+name+"="+value)
		}
	}
	return args, nil
}

// valuesOf are a flag's values as words.
func valuesOf(c *cli.Context, f cli.Flag) ([]string, error) {
	name := f.Names()[0]
	switch f.(type) {
	case *cli.StringSliceFlag:
		return listed(c.StringSlice(name)), nil
	case *cli.StringFlag:
		return []string{c.String(name)}, nil
	case *cli.IntFlag:
		return []string{strconv.Itoa(c.Int(name))}, nil
	case *cli.Uint64Flag:
		return []string{strconv.FormatUint(c.Uint64(name), 10)}, nil
	case *cli.BoolFlag:
		return []string{strconv.FormatBool(c.Bool(name))}, nil
	case *cli.DurationFlag:
		return []string{c.Duration(name).String()}, nil
	case *cli.Float64Flag:
		return []string{strconv.FormatFloat(c.Float64(name), 'g', -1, 64)}, nil
	}
	return nil, fmt.Errorf("--%s is a %T, which nobody can write as a word", name, f)
}

// seenByNodes copies files that a flag names into the run's directory. Directories
// stay where they are, and so does a suite's file, which may name others beside it:
// that is said.
func seenByNodes(g *progress, name string, values []string, dir string) ([]string, error) {
	switch {
	case name == "network":
		var carried []string
		for i, path := range values {
			to, err := cluster.Carry(dir, i, path)
			if err != nil {
				return nil, err
			}
			carried = append(carried, to)
		}
		return carried, nil
	case slices.Contains([]string{"data", "runner-dir"}, name), name == "suite" && suite.IsFile(values[0]):
		whole, err := filepath.Abs(values[0])
		if err != nil {
			return nil, err
		}
		g.Say("--%s %s is read where it lies: every node has to see it there", name, whole)
		return []string{whole}, nil
	}
	return values, nil
}
