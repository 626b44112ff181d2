package cluster

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// apart is how far a node's clock may be off before it is told. Everything that is
// measured is timed by a clock of the node that nobody sets; dates are not.
const apart = 10 * time.Second

// clockAhead is by how much a node's clock is ahead of those that it can be held
// against, negative if it is behind, 0 if by less than is told. A file server dates
// node.json by its own clock; one that leaves it to the nodes says nothing, and then
// a job that began before it was submitted, or ended in the future, still does.
func (p *Plan) clockAhead(dir string, shard int, n Node, now time.Time) time.Duration {
	if n.Began.IsZero() {
		return 0
	}
	wrote := n.Began
	if n.Ended != nil {
		wrote = *n.Ended
	}
	var ahead time.Duration
	farthest := func(d time.Duration) {
		if d.Abs() > ahead.Abs() {
			ahead = d
		}
	}
	if info, err := os.Stat(filepath.Join(ShardDir(dir, shard), nodeFile)); err == nil {
		farthest(wrote.Sub(info.ModTime()))
	}
	if d := wrote.Sub(now); d > 0 {
		farthest(d)
	}
	array, _, _ := strings.Cut(n.Job, "_")
	for _, job := range p.Jobs {
		if d := n.Began.Sub(job.Submitted); job.ID == array && d < 0 {
			farthest(d)
		}
	}
	if ahead.Abs() < apart {
		return 0
	}
	return ahead
}
