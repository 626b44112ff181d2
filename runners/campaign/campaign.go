// Package campaign measures cells: every cell once per round, each by a fresh
// process, in a seeded random order, until the profile is satisfied.
package campaign

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/timeline"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/runners/protocol"
	"github.com/dlbench/dlbench/workloads/plan"
	"github.com/dlbench/dlbench/workloads/window"
)

// Runner is one fresh process of a cell's runner.
type Runner interface {
	Hello() protocol.HelloResult
	StartSeconds() float64
	CompileCache() string // what it found compiled, as records have it
	Identity() engine.Identity
	Load(ctx context.Context, files plan.Files) (protocol.LoadResult, error)
	Warmup(ctx context.Context, p protocol.WarmupParams) (protocol.WarmupResult, error)
	// Measure runs a block; with output it returns the host's path of the
	// last iteration's output too.
	Measure(ctx context.Context, p protocol.MeasureParams, output bool) (protocol.MeasureResult, string, error)
	Close(ctx context.Context) error
}

// Expectation knows what the verified runner computed, so that a timed process
// can be compared with it.
type Expectation interface {
	CheckInfer(outputFile string, slot int) (record.Check, error)
	CheckLosses(losses []float64) record.Check
	CheckVolume(outputFile string, size []int, regions []window.Region) (record.Check, error)
}

// Cell is what a campaign measures.
type Cell struct {
	Workload string // in the record, if that is not the plan's name: of several numbers of threads
	Plan     *plan.Plan
	Files    plan.Files
	Runner   string
	Open     func(ctx context.Context) (Runner, error)
	Expect   Expectation // nil when parity was skipped
}

// workload is the cell's in the record.
func (c Cell) workload() string {
	if c.Workload != "" {
		return c.Workload
	}
	return c.Plan.Workload
}

// Meter watches a process, and the device that it computes on, while it is
// measured.
type Meter interface {
	Start(ctx context.Context, id engine.Identity, device string) (Recording, error)
}

// Recording is one process being watched.
type Recording interface {
	// Stop ends the watching and adds what was seen to the process.
	Stop(p *record.Process)
}

// Event tells how far a campaign is.
type Event struct {
	Round    int
	Cell     string // "<workload> <runner>"
	Done     int    // processes
	Total    int    // processes that the profile asks for at least
	TimeLeft time.Duration
}

// Config is everything a campaign needs.
type Config struct {
	Profile   Profile
	Budget    time.Duration // 0 is none
	Began     time.Time     // since when the budget counts; zero is now
	Seed      uint64
	Cells     []Cell
	Scenarios Scenarios
	Record    *record.Record // its cells match Cells by workload and runner
	Meter     Meter
	Limit     func(engine.Identity) (int64, error) // bytes that a process may use; nil if nothing holds it
	Summarize func(*record.Record)
	Save      func(*record.Record) error // after every round
	Progress  func(Event)
	Timeline  *timeline.Log    // of the rounds; nil keeps none
	Now       func() time.Time // nil is time.Now
}

// Run measures. The record is valid whenever Run returns; a cancelled context
// leaves it marked interrupted and returns the context's error.
func Run(ctx context.Context, cfg Config) error {
	c := &campaign{Config: cfg, cost: map[string]time.Duration{}}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.began = c.Now()
	if c.Began.IsZero() {
		c.Began = c.began
	}
	err := c.rounds(ctx)
	c.finish(errors.Join(err, ctx.Err()))
	if again := c.Save(c.Record); again != nil && !c.unsaved {
		err = errors.Join(err, again)
	}
	return err
}

type campaign struct {
	Config
	began time.Time
	cost  map[string]time.Duration // of the last process of a cell
	done  int

	unsaved bool // a round could not be saved
}

func (c *campaign) rounds(ctx context.Context) error {
	for c.Record.Rounds < c.Profile.MaxRounds {
		cells := c.wanted()
		if len(cells) == 0 {
			return nil
		}
		over := c.Timeline.Begin(timeline.Round, fmt.Sprintf("round %d", c.Record.Rounds+1))
		ended, err := c.round(ctx, c.Record.Rounds, cells)
		if err != nil || !ended {
			over(err)
			return err
		}
		c.Record.Rounds++
		if err := c.save(); err != nil {
			return err // a full disk has no room for the log of times either
		}
		over(nil)
	}
	return nil
}

// round measures each of the cells once. Cells that an interrupted session
// measured already in this round are not measured again. A cell that does not
// fit into what is left of the budget is left out, and those after it that do
// fit are measured; the order is random, so that no cell is always the last.
// It says false when some cell was left out: there is no next round then.
func (c *campaign) round(ctx context.Context, round int, cells []Cell) (bool, error) {
	var missed []string
	for order, cell := range Order(cells, c.Seed, round) {
		target := c.cell(cell)
		if measuredIn(target, round) {
			continue
		}
		if c.overBudget(cell) {
			missed = append(missed, key(cell))
			continue
		}
		c.tell(round, cell)
		began := c.Now()
		if err := c.measure(ctx, cell, target, round, order); err != nil {
			return false, err
		}
		c.cost[key(cell)] = c.since(began)
		c.done++
	}
	if len(missed) > 0 {
		c.budgetEnded(round, missed)
	}
	return len(missed) == 0, nil
}

// measure adds one process to the cell. Only the end of the campaign is an
// error: a runner's failure is the cell's.
func (c *campaign) measure(ctx context.Context, cell Cell, target *record.Cell, round, order int) error {
	m := &measurement{campaign: c, cell: cell, target: target,
		process: record.Process{Round: round, Order: order, Status: record.Measured, Blocks: []record.Block{}, Series: []record.Series{}}}
	err := m.run(ctx)
	if ctx.Err() != nil {
		return ctx.Err() // half a process is no observation
	}
	if record.Full(err) { // the harness's own files: no fault of the runner, and the next one would meet it too
		return fmt.Errorf("measure %s: %w", key(cell), err)
	}
	if err != nil {
		m.process.Status = record.Failed
		m.process.Reason = err.Error()
		target.Status, target.Reason = refusal(err)
	}
	target.Processes = append(target.Processes, m.process)
	return nil
}

// refusal turns a process's error into its cell's status.
func refusal(err error) (status, reason string) {
	var refused *protocol.Error
	if errors.As(err, &refused) && refused.Lacking() {
		return record.Unsupported, refused.Message
	}
	return record.Failed, err.Error()
}

// wanted are the cells of the workloads that are not decided yet. A workload's
// cells go on together, because comparisons are paired by round.
func (c *campaign) wanted() []Cell {
	open := map[string]bool{}
	for _, cell := range c.Cells {
		if target := c.cell(cell); measurable(target) && !c.satisfied(target) {
			open[cell.workload()] = true
		}
	}
	var cells []Cell
	for _, cell := range c.Cells {
		if open[cell.workload()] && measurable(c.cell(cell)) {
			cells = append(cells, cell)
		}
	}
	return cells
}

func (c *campaign) satisfied(cell *record.Cell) bool {
	if len(cell.Processes) < c.Profile.MinRounds {
		return false
	}
	if c.Profile.HalfWidth == 0 {
		return true
	}
	t := cell.Throughput
	return t != nil && t.Level > 0 && (t.CIHigh-t.CILow)/2 <= c.Profile.HalfWidth*t.Median
}

func measurable(cell *record.Cell) bool {
	return cell.Status == record.Pending || cell.Status == record.Measured || cell.Status == record.NotRanked && len(cell.Processes) > 0
}

func measuredIn(cell *record.Cell, round int) bool {
	for _, p := range cell.Processes {
		if p.Round == round {
			return true
		}
	}
	return false
}

// Order is the order of a round: the same for the same seed and round, on every
// machine.
func Order(cells []Cell, seed uint64, round int) []Cell {
	out := append([]Cell(nil), cells...)
	rng := rand.New(rand.NewPCG(seed, uint64(round)))
	rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

func key(c Cell) string { return c.workload() + " " + c.Runner }

func (c *campaign) cell(cell Cell) *record.Cell {
	if found := c.Record.Cell(cell.workload(), cell.Runner); found != nil {
		return found
	}
	panic(fmt.Sprintf("campaign: the record has no cell for %s", key(cell)))
}

// overBudget says whether a process would end later than the budget, as far as
// the cell's last process tells; one that was never measured is started as long
// as there is any time.
func (c *campaign) overBudget(cell Cell) bool {
	return c.Budget > 0 && c.since(c.Began)+c.cost[key(cell)] >= c.Budget
}

// budgetEnded names what did not fit.
func (c *campaign) budgetEnded(round int, missed []string) {
	slices.Sort(missed)
	c.Record.Warn(record.AboutRun, record.BudgetEnded,
		"the budget of %s ended in round %d, before %s: intervals are wider than the profile asks for; give a longer --budget or fewer workloads",
		c.Budget, round+1, strings.Join(missed, ", "))
	for _, cell := range c.Cells {
		if target := c.cell(cell); target.Status == record.Pending && len(target.Processes) == 0 {
			target.Reason = BudgetReason
		}
	}
}

// BudgetReason is why a cell is still pending when a campaign is complete.
const BudgetReason = "the budget ended before it was measured"

func (c *campaign) since(t time.Time) time.Duration { return c.Now().Sub(t) }

func (c *campaign) save() error {
	c.Record.Status = record.Running
	c.Record.Updated = c.Now().UTC()
	c.Summarize(c.Record)
	err := c.Save(c.Record)
	c.unsaved = err != nil
	return err
}

// finish says whether all was measured, or something ended it: a record of some
// of the rounds is not complete, and may go on.
func (c *campaign) finish(ended error) {
	c.Record.Status = record.Complete
	if ended != nil {
		c.Record.Status = record.Interrupted
	}
	c.Record.Updated = c.Now().UTC()
	c.Summarize(c.Record)
	c.warnUnconverged()
}

func (c *campaign) warnUnconverged() {
	for i := range c.Record.Cells {
		cell := &c.Record.Cells[i]
		t := cell.Throughput
		if t == nil {
			continue
		}
		t.Converged = c.satisfied(cell)
		if !t.Converged && c.Profile.HalfWidth > 0 {
			c.Record.Warn(cell.Scope(), record.NotConverged, "after %d processes the interval is ±%.1f %%, wider than the ±%.1f %% that profile %s asks for",
				t.N, 100*(t.CIHigh-t.CILow)/2/t.Median, 100*c.Profile.HalfWidth, c.Profile.Name)
		}
	}
}

func (c *campaign) tell(round int, cell Cell) {
	if c.Progress == nil {
		return
	}
	total := c.done
	for _, each := range c.Cells {
		if target := c.cell(each); measurable(target) {
			total += max(c.Profile.MinRounds, round+1) - len(target.Processes)
		}
	}
	c.Progress(Event{Round: round, Cell: key(cell), Done: c.done, Total: total, TimeLeft: c.timeLeft(total)})
}

// timeLeft extrapolates from the processes so far; 0 is unknown.
func (c *campaign) timeLeft(total int) time.Duration {
	if c.done == 0 {
		return 0
	}
	return c.since(c.began) / time.Duration(c.done) * time.Duration(total-c.done)
}
