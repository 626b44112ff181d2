package fidelity

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/dlbench/dlbench/metrics/stats"
	"github.com/dlbench/dlbench/runners/launch"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/plan"
)

// InProcess is a runner against its bare loop in one process, where both share
// what a fresh process draws at its start: short blocks in turn, in groups of
// four (ABBA), so that what drifts slowly falls out of a group's ratio.
type InProcess struct {
	Bare float64 `json:"bare_images_per_s"`
	Own  float64 `json:"runner_images_per_s"`
	Compared

	// CPU is the same of images by second of CPU time, which waiting for a CPU that
	// another program has is not in; absent of a runner that tells none.
	CPU *Compared `json:"cpu_time,omitempty"`

	Processes  []Process `json:"processes"`
	Groups     int       `json:"groups"`     // in each process
	Iterations int       `json:"iterations"` // of a block in the last process

	Instructions *Counted `json:"instructions,omitempty"`
	Cycles       *Counted `json:"cycles,omitempty"`
	NoCounters   string   `json:"no_counters,omitempty"` // why there are none
}

// Compared is a ratio, runner over bare, with what is known of it.
type Compared struct {
	Ratio    float64        `json:"ratio"`                       // the centre of the processes
	Interval stats.Interval `json:"interval"`                    // over processes, as between fresh ones; six are needed
	Within   float64        `json:"blocks_half_width,omitempty"` // of the ratio, over the blocks of these processes
}

// Process is one of them. Whatever is built first has the memory first, so both
// orders take turns over the processes.
type Process struct {
	Ratio     float64 `json:"ratio"`
	BareFirst bool    `json:"bare_first"`
}

// Counted is what an iteration took in user mode, over all threads: the median
// over processes.
type Counted struct {
	Bare  float64 `json:"bare_per_iteration"`
	Own   float64 `json:"runner_per_iteration"`
	Ratio float64 `json:"ratio"` // runner over bare: above 1 the runner does more
}

// chunk is how many groups one request runs: batches of that many are what the
// interval over blocks takes for independent.
const chunk = 10

// inProcess fills the row. A runner that has no bare loop in its process is
// told as such; the rest of the row stands.
func (c comparison) inProcess(ctx context.Context, id plan.ID, files plan.Files, row *Row) error {
	var all []process
	in := &InProcess{Groups: c.Groups}
	for i := range c.Processes {
		c.Progress().Step(fmt.Sprintf("%s on %s, process %d of %d with both", id, row.Runner, i+1, c.Processes), float64(i)/float64(c.Processes), 0)
		bareFirst := i%2 == 1
		t, err := c.together(ctx, files, bareFirst, i%4 >= 2)
		if missing(err) {
			row.NoInProcess = err.Error()
			c.Progress().Say("%s on %s: nothing in one process: %v", id, row.Runner, err)
			return nil
		}
		if err != nil {
			return err
		}
		in.Processes = append(in.Processes, Process{Ratio: ratio(t.logs), BareFirst: bareFirst})
		all = append(all, t)
	}
	in.fill(all, float64(id.Batch))
	if in.NoCounters != "" {
		c.Progress().Say("%s on %s: no instructions or cycles: %s", id, row.Runner, in.NoCounters)
	}
	row.InProcess = in
	return nil
}

// missing says that a runner cannot have its bare loop in its own process.
func missing(err error) bool {
	var refused *protocol.Error
	return errors.As(err, &refused) && (refused.Code == protocol.UnknownRequest || refused.Lacking())
}

// together is one process that holds both.
func (c comparison) together(ctx context.Context, files plan.Files, bareFirst, bareStarts bool) (t process, err error) {
	opened, err := c.Start(ctx, c.entry)
	if err != nil {
		return t, err
	}
	defer func() { err = errors.Join(err, opened.Close(ctx)) }()
	if err := build(ctx, opened, files, bareFirst); err != nil {
		return t, err
	}
	if t.iterations, err = c.settle(ctx, opened); err != nil {
		return t, err
	}
	for done := 0; done < c.Groups; done += chunk {
		p := protocol.AlternateParams{Order: order(min(chunk, c.Groups-done), bareStarts), Iterations: t.iterations}
		if p.Iterations > 1 {
			p.Lead = 1
		}
		r, err := opened.Alternate(ctx, p)
		if err != nil {
			return t, err
		}
		t.add(p.Order, r)
	}
	return t, nil
}

func build(ctx context.Context, r *launch.Runner, files plan.Files, bareFirst bool) error {
	load := func() error { _, err := r.Load(ctx, files); return err }
	bare := func() error { _, err := r.Bare(ctx, files); return err }
	if bareFirst {
		load, bare = bare, load
	}
	if err := load(); err != nil {
		return err
	}
	return bare()
}

// settle warms both up and tells how many iterations of the runner take a
// block's time.
func (c comparison) settle(ctx context.Context, r *launch.Runner) (int, error) {
	for began, n := time.Now(), 3; ; n = 10 {
		w, err := r.Alternate(ctx, protocol.AlternateParams{Order: "rb", Iterations: n})
		if err != nil {
			return 0, err
		}
		if typical := seconds(w.Blocks[0]) / float64(n); time.Since(began) >= c.WarmupTime {
			return max(1, int(math.Ceil(c.TurnTime.Seconds()/typical))), nil
		}
	}
}

// order is that of groups of four blocks: rbbr and brrb in turn, so that each
// side follows itself as often as it follows the other.
func order(groups int, bareStarts bool) string {
	text := ""
	for range groups {
		if bareStarts {
			text += "brrb"
		} else {
			text += "rbbr"
		}
		bareStarts = !bareStarts
	}
	return text
}

func seconds(b protocol.AlternateBlock) float64 { return float64(b.EndNS-b.StartNS) / 1e9 }
