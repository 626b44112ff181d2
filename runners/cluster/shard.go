package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/runners/bench"
)

// Element is a shard's own side: what runs on a node, as Slurm started it.
type Element struct {
	Dir     string
	Shard   Shard
	Plan    *Plan
	getenv  func(string) string
	environ []string
	now     func() time.Time
	node    Node
	before  string // the node that had the shard before this one
}

// OpenElement reads which shard of a directory this job measures.
func OpenElement(dir, index string, host bench.Host) (*Element, error) {
	p, err := ReadPlan(dir)
	if err != nil {
		return nil, err
	}
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= len(p.Shards) {
		return nil, bench.UsageError(fmt.Errorf("shard %q: expected a number from 0 to %d", index, len(p.Shards)-1))
	}
	e := &Element{Dir: dir, Shard: p.Shards[i], Plan: p, getenv: host.Getenv, environ: host.Environ(), now: host.Now}
	if e.node = thisNode(host.Getenv, host.Now()); e.node.Node == "" {
		return nil, bench.UsageError(errors.New("shard: SLURMD_NODENAME is not set: only Slurm starts this, by dlbench run --cluster slurm"))
	}
	return e, nil
}

// Node is the name that Slurm has for this machine.
func (e *Element) Node() string { return e.node.Node }

// Begin takes the node, and says so in the shard's directory.
func (e *Element) Begin(ctx context.Context) error {
	if err := e.setAside(); err != nil {
		return err
	}
	if err := e.write(); err != nil {
		return err
	}
	if e.Plan.Spread != record.ByNodes {
		return nil
	}
	taken, err := claim(e.Dir, e.node.Node, e.before, e.Shard.Index)
	if err != nil {
		return bench.EnvironmentError(err, "dlbench run --resume "+e.Dir+" gives the shard another node")
	}
	job, _, _ := strings.Cut(e.node.Job, "_")
	s := slurm{e.environ}
	for range 3 { // whoever claims a node meanwhile may have been overwritten
		s.exclude(ctx, job, strings.Join(taken, ","))
		again, err := claim(e.Dir, e.node.Node, e.before, e.Shard.Index)
		if err != nil || slices.Equal(again, taken) {
			return err
		}
		taken = again
	}
	return nil
}

// setAside moves what another node left of the shard out of the way: a record is
// that of one machine, so this one begins anew.
func (e *Element) setAside() error {
	before := readNode(e.Dir, e.Shard.Index)
	e.before = before.Node
	result := filepath.Join(ShardDir(e.Dir, e.Shard.Index), resultFile)
	if before.Node == "" || before.Node == e.node.Node {
		return nil
	}
	if _, err := os.Stat(result); err != nil {
		return nil
	}
	aside := filepath.Join(ShardDir(e.Dir, e.Shard.Index), "on-"+before.Node)
	if err := os.MkdirAll(aside, 0o755); err != nil {
		return err
	}
	return os.Rename(result, filepath.Join(aside, resultFile))
}

// Arguments are those of the dlbench run that measures the shard; nil if its
// record is complete already.
func (e *Element) Arguments() ([]string, error) {
	dir := ShardDir(e.Dir, e.Shard.Index)
	args := append(slices.Clone(e.Plan.Arguments), "--workload="+strings.Join(e.Shard.Workloads, ","))
	for _, arg := range e.Plan.Arguments {
		if device, found := strings.CutPrefix(arg, "--device="); found {
			given, err := GivenDevice(device, e.node.GPUs)
			if err != nil {
				return nil, bench.EnvironmentError(err, "ask for them by --sbatch-arg=--gres=gpu:N")
			}
			args = append(args, "--device="+given)
		}
	}
	if e.Plan.NameNodes { // what a machine calls itself may be the same on all nodes: their disks are copies
		args = append(args, "--machine="+e.node.Node)
	}
	rec, err := record.Read(filepath.Join(dir, resultFile))
	switch {
	case err == nil && rec.Status == record.Complete:
		return nil, nil
	case err == nil:
		return append(args, "--resume="+dir), nil
	case errors.Is(err, os.ErrNotExist):
		return append(args, "--out="+dir), nil
	}
	return nil, err
}

// Engine is what starts the runners, as it was asked for.
func (e *Element) Engine(otherwise string) string {
	for _, arg := range e.Plan.Arguments {
		if name, found := strings.CutPrefix(arg, "--engine="); found {
			return name
		}
	}
	return otherwise
}

// End says in the shard's directory how it ended.
func (e *Element) End(code int, trouble string) error {
	now := e.now().UTC()
	e.node.Ended, e.node.Exit, e.node.Trouble = &now, code, trouble
	return e.write()
}

func (e *Element) write() error {
	dir := ShardDir(e.Dir, e.Shard.Index)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := writeJSON(filepath.Join(dir, nodeFile), e.node); err != nil {
		return bench.EnvironmentError(fmt.Errorf("write to the run's directory: %w", err), "make room on the shared directory, or make it writable, then go on with dlbench run --resume "+e.Dir)
	}
	return nil
}
