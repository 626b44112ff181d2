package cluster

import (
	"fmt"
	"strings"

	"github.com/dlbench/dlbench/metrics/device"
)

// Request is what Slurm is asked for.
type Request struct {
	Partition  string
	Constraint string
	More       []string // for sbatch as they are
	Device     string   // as dlbench run takes it
}

// arguments are those of sbatch, beside the array and the script. What the user
// gives comes last, so that it wins.
func (r Request) arguments(name, dir string) ([]string, error) {
	args := []string{
		"--job-name=dlbench-" + name,
		"--nodes=1", "--ntasks=1",
		"--exclusive", "--mem=0", // all of a node, its memory too: a neighbour would be measured as well
		"--chdir=" + dir,
		"--open-mode=append", // one that was requeued says so below what it said before
		fmt.Sprintf("--output=%s/%s/%%%da/%s", strings.ReplaceAll(dir, "%", "%%"), shardsDir, indexDigits, logFile),
	}
	if r.Partition != "" {
		args = append(args, "--partition="+r.Partition)
	}
	if r.Constraint != "" {
		args = append(args, "--constraint="+r.Constraint)
	}
	wanted, err := device.Parse(r.Device)
	if err != nil {
		return nil, err
	}
	if n := wanted.Count(); n > 0 && !r.asksForGPUs() {
		args = append(args, fmt.Sprintf("--gres=gpu:%d", n))
	}
	return append(args, r.More...), nil
}

// asksForGPUs says whether the user says which GPUs Slurm is asked for.
func (r Request) asksForGPUs() bool {
	for _, arg := range r.More {
		for _, flag := range []string{"--gres", "--gpus", "-G", "--tres-per-"} {
			if strings.HasPrefix(arg, flag) {
				return true
			}
		}
	}
	return false
}

// script is what Slurm starts, once for every element. It has no words of the
// request: these are in the plan, where nothing has to be quoted.
func script(dir string) string {
	return fmt.Sprintf("#!/bin/sh\n# Slurm starts this once for every shard of the run in this directory (dlbench run --cluster slurm).\nexec %s shard %s \"$SLURM_ARRAY_TASK_ID\"\n",
		quoted(dir+"/"+programFile), quoted(dir))
}

// quoted is a word of a shell.
func quoted(word string) string {
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
