package cluster

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/summary"
)

// Member is what became of a shard: its record, or why there is none.
type Member struct {
	Shard   int
	Node    string         // as Slurm names it; empty if no node ever had it
	Record  *record.Record // nil if there is none
	Missing string         // why there is no record, or why it is partial; empty if only Slurm may know
	Report  string         // its own report.html, below the campaign's directory; empty if there is none
	Ahead   time.Duration  // of its node's clock, see clockAhead
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
func (p *Plan) collect(dir string, shard int, last state, now time.Time) Member {
	m, n := p.left(dir, shard, now)
	m.Node = cmp.Or(n.Node, last.node, p.Shards[shard].Node)
	if !m.whole() && m.Missing == "" {
		m.Missing = missing(n, last)
	}
	return m
}

// Left shows what every shard left in the campaign's directory, one after the other,
// as the files say: Slurm is not asked.
func (p *Plan) Left(dir string, now time.Time, visit func(Member)) {
	for i, s := range p.Shards {
		m, n := p.left(dir, i, now)
		m.Node = cmp.Or(n.Node, s.Node)
		if m.Record == nil && m.Missing == "" {
			m.Missing = ended(n)
		}
		visit(m)
	}
}

// left is what a shard's files are. Missing says so if its record cannot be read.
func (p *Plan) left(dir string, shard int, now time.Time) (Member, Node) {
	n := readNode(dir, shard)
	m := Member{Shard: shard, Ahead: p.clockAhead(dir, shard, n, now)}
	rec, err := summary.Read(filepath.Join(ShardDir(dir, shard), resultFile))
	switch {
	case err == nil:
		m.Record = rec
	case !errors.Is(err, fs.ErrNotExist): // the other shards are worth a report
		m.Missing = err.Error()
	}
	if _, err := os.Stat(filepath.Join(ShardDir(dir, shard), reportFile)); err == nil {
		m.Report = path.Join(shardsDir, shardName(shard), reportFile)
	}
	return m, n
}

// whole says whether the record has all of the shard.
func (m Member) whole() bool { return m.Record != nil && m.Record.Status == record.Complete }

// ended is what a shard's dlbench said at its end; empty if it has not come to it.
func ended(n Node) string {
	switch {
	case n.Ended == nil:
		return ""
	case n.Trouble != "":
		return n.Trouble
	}
	return fmt.Sprintf("its dlbench ended with code %d", n.Exit)
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
	case n.Ended != nil:
		return ended(n)
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
