package cluster

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// Member is what became of a shard: its record, or why there is none.
type Member struct {
	Shard   int
	Node    string         // as Slurm names it; empty if no node ever had it
	Record  *record.Record // nil if there is none
	Missing string         // why there is no record, or why it is partial
}

// Rest is what is kept of a member when its record was looked at.
type Rest struct {
	Shard   int
	Node    string
	Missing string
	Failed  bool // a runner failed, or did not pass parity
}

// Name is the shard and its node, for people.
func (r Rest) Name() string {
	if r.Node == "" {
		return fmt.Sprintf("shard %d", r.Shard)
	}
	return fmt.Sprintf("shard %d on %s", r.Shard, r.Node)
}

// collect reads what a shard left. last is what Slurm says of its job at the end.
func collect(dir string, shard int, last state) Member {
	n := readNode(dir, shard)
	m := Member{Shard: shard, Node: n.Node}
	if m.Node == "" {
		m.Node = last.node
	}
	rec, err := summary.Read(filepath.Join(ShardDir(dir, shard), resultFile))
	if err == nil {
		m.Record = rec
		if rec.Status == record.Complete {
			return m
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		m.Missing = err.Error()
		return m
	}
	m.Missing = missing(n, last)
	return m
}

// causes are the states in which Slurm ends jobs that did not end by themselves.
var causes = map[string]string{
	"NODE_FAIL":     "the node went down",
	"TIMEOUT":       "the job ran into its time limit",
	"CANCELLED":     "the job was cancelled",
	"PREEMPTED":     "the job had to make room for another",
	"OUT_OF_MEMORY": "the job took more memory than it was given",
	"BOOT_FAIL":     "the node did not start",
	"DEADLINE":      "the job met its deadline",
	"REVOKED":       "another cluster took the job",
}

// missing is why a shard has no complete record.
func missing(n Node, last state) string {
	cause, killed := causes[last.name]
	switch {
	case killed:
		return fmt.Sprintf("%s (%s)", cause, last.name)
	case n.Ended != nil && n.Trouble != "":
		return n.Trouble
	case n.Ended != nil:
		return fmt.Sprintf("its dlbench ended with code %d", n.Exit)
	case last.name == "":
		return "Slurm does not know its job any more, and it left no complete record"
	case !final(last):
		return "its job is " + strings.ToLower(last.name)
	case n.Node == "":
		return fmt.Sprintf("its job wrote nothing (%s): does every node see the run's directory, and can it write there?", last.name)
	}
	return fmt.Sprintf("its job ended in the middle (%s)", last.name)
}

// running are the states of jobs that will still come to an end.
var running = map[string]bool{
	"PENDING": true, "RUNNING": true, "SUSPENDED": true, "COMPLETING": true, "CONFIGURING": true, "REQUEUED": true, "REQUEUE_FED": true,
	"REQUEUE_HOLD": true, "RESIZING": true, "RESV_DEL_HOLD": true, "SIGNALING": true, "SPECIAL_EXIT": true, "STAGE_OUT": true, "STOPPED": true,
}

// final says whether a job has ended; the empty state is one that Slurm forgot.
func final(s state) bool { return !running[s.name] }
