package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/dlbench/dlbench/metrics/environment"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/reports"
	"github.com/dlbench/dlbench/runners/campaign"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/workloads/plan"
)

func (p *program) runCommand() *cli.Command {
	return &cli.Command{
		Name:      "run",
		Usage:     "verify the runners, measure them side by side, write the report",
		UsageText: "dlbench run --suite resnet [--workload ID] [--runner NAME] [--profile quick|report|gate]",
		Flags: append(append(append(selectionFlags(), termFlags()...), measureFlags()...),
			&cli.StringFlag{Name: "out", Usage: "`DIR` for result.json, report.html, summary.md and logs"},
			&cli.StringFlag{Name: "resume", Usage: "go on with the interrupted run in `DIR`"},
			&cli.BoolFlag{Name: "no-verify", Usage: "skip parity; nothing is ranked"},
			jsonFlag(),
		),
		Action: p.doRun,
	}
}

// measureFlags say how much is measured; nightly has them too.
func measureFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "profile", Usage: "how much is measured: " + strings.Join(campaign.ProfileNames(), ", ") + " (default: the suite's)"},
		&cli.IntFlag{Name: "rounds", Usage: "measure exactly `N` processes of each cell"},
		&cli.DurationFlag{Name: "budget", Usage: "verify and measure no longer than this, like 20m, and the process that runs then"},
		&cli.StringSliceFlag{Name: "scenario", Usage: "measure inference in this `SCENARIO` too: multi-stream, server; may be repeated or a list"},
		&cli.DurationFlag{Name: "latency-bound", Value: 100 * time.Millisecond, Usage: "what the p99 of the server scenario may take"},
		&cli.StringSliceFlag{Name: "strict", Usage: "exit with 5 on a warning of these `CODES`, or of all; before measuring where it is known by then"},
	}
}

func (p *program) doRun(c *cli.Context) error {
	dir, old, err := p.outputDir(c)
	if err != nil {
		return err
	}
	if old != nil {
		if err := sameQuestion(c, old); err != nil {
			return err
		}
	}
	r, err := p.campaign(c.Context, c, dir, old)
	if r == nil {
		return err
	}
	return errors.Join(r.show(c.Bool("json")), err)
}

// campaign measures what a command line asks for into a directory. The run is
// nil when nothing could be begun; the error is what it amounts to.
func (p *program) campaign(ctx context.Context, c *cli.Context, dir string, old *record.Record) (r *run, err error) {
	profile, err := chosenProfile(c)
	if err != nil {
		return nil, err
	}
	strict, err := strictCodes(listed(c.StringSlice("strict")))
	if err != nil {
		return nil, err
	}
	scenarios, err := chosenScenarios(c)
	if err != nil {
		return nil, err
	}
	b, err := p.newBench(ctx, c, filepath.Join(dir, "logs"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.close(ctx)) }()
	one := &run{bench: b, program: p, dir: dir, profile: profile, budget: c.Duration("budget"), verifying: !c.Bool("no-verify"), scenarios: scenarios, strict: strict}
	if err := one.begin(ctx, old); err != nil {
		return nil, err
	}
	err = one.measure(ctx)
	if errors.Is(err, context.Canceled) {
		err = nil // the outcome says so
	}
	return one, errors.Join(err, one.outcome(ctx))
}

// sameQuestion makes a run that goes on ask what the interrupted one asked.
func sameQuestion(c *cli.Context, old *record.Record) error {
	var runners []string
	for _, r := range old.Runners {
		runners = append(runners, withoutDevice(r.Name))
	}
	var workloads []string
	for _, w := range old.Workloads {
		workloads = append(workloads, w.ID)
	}
	for name, value := range map[string]string{
		"runner": strings.Join(runners, ","), "workload": strings.Join(workloads, ","),
		"seed": fmt.Sprint(old.Seed), "threads": fmt.Sprint(old.Terms.Threads), "cpus": old.Terms.CPUs, "device": old.Terms.Device, "engine": old.Environment.Engine,
		"profile": old.Profile, "scenario": strings.Join(old.Scenarios, ","),
		"latency-bound": fmt.Sprint(time.Duration(old.Terms.LatencyBoundMS * 1e6)),
	} {
		if c.IsSet(name) || value == "" || value == "0s" {
			continue
		}
		if err := c.Set(name, value); err != nil {
			return err
		}
	}
	return nil
}

func chosenProfile(c *cli.Context) (campaign.Profile, error) {
	name := c.String("profile")
	if name == "" {
		chosen, _, err := selectWorkloads(c.String("suite"), listed(c.StringSlice("workload")))
		if err != nil {
			return campaign.Profile{}, usage(err)
		}
		name = chosen.Profile
	}
	profile, err := campaign.ProfileNamed(name)
	if err != nil {
		return profile, unknown("profile", name, campaign.ProfileNames())
	}
	if c.IsSet("rounds") {
		if c.Int("rounds") < 1 {
			return profile, usage(fmt.Errorf("--rounds is %d, expected at least 1", c.Int("rounds")))
		}
		profile = profile.WithRounds(c.Int("rounds"))
	}
	if c.Duration("budget") < 0 {
		return profile, usage(fmt.Errorf("--budget is %s, expected a time like 20m", c.Duration("budget")))
	}
	return profile, nil
}

// chosenScenarios are those asked for beside the ones that are always measured.
func chosenScenarios(c *cli.Context) (campaign.Scenarios, error) {
	var s campaign.Scenarios
	bound := c.Duration("latency-bound")
	if bound <= 0 {
		return s, usage(fmt.Errorf("--latency-bound is %s, expected a time like 100ms", bound))
	}
	for _, name := range listed(c.StringSlice("scenario")) {
		switch name {
		case record.MultiStream:
			s.MultiStream = true
		case record.Server:
			s.LatencyBound = bound
		case record.Offline, record.SingleStream, record.Train: // always measured where they apply
		default:
			return s, unknown("scenario", name, append([]string{record.Offline, record.SingleStream, record.Train}, campaign.ScenarioNames()...))
		}
	}
	if c.IsSet("latency-bound") && s.LatencyBound == 0 {
		return s, usage(errors.New("--latency-bound is the server scenario's: give --scenario server too"))
	}
	return s, nil
}

// outputDir makes the directory of a new run, or reads the record of one to go
// on with.
func (p *program) outputDir(c *cli.Context) (string, *record.Record, error) {
	if dir := c.String("resume"); dir != "" {
		old, err := record.Read(filepath.Join(dir, "result.json"))
		if err != nil {
			return "", nil, usage(err)
		}
		if old.Status == record.Complete {
			return "", nil, usage(fmt.Errorf("%s: the run is complete, there is nothing to go on with", dir))
		}
		return dir, old, nil
	}
	dir := c.String("out")
	if dir == "" {
		dir = filepath.Join("results", p.now().Format("20060102-150405")+"-"+suiteOf(c))
	}
	if _, err := os.Stat(filepath.Join(dir, "result.json")); err == nil {
		return "", nil, usage(fmt.Errorf("%s holds a result already: give another --out, or --resume it", dir))
	}
	return dir, nil, nil
}

// run is one campaign from the first file to the last.
type run struct {
	*bench
	program   *program
	dir       string
	profile   campaign.Profile
	budget    time.Duration
	verifying bool
	scenarios campaign.Scenarios
	strict    []string                           // codes of warnings that are not accepted
	wanted    func(workload, runner string) bool // cells to measure; nil is all
	record    *record.Record
}

// begin makes the record, with every cell pending, and the judge.
func (r *run) begin(ctx context.Context, old *record.Record) error {
	here := r.program.machine(ctx)
	here.Engine = r.engine.Name()
	here.EngineVersion = r.engine.Probe(ctx).Version
	if err := r.newJudge(here.CPU, false); err != nil {
		return err
	}
	r.terms.LatencyBoundMS = float64(r.scenarios.LatencyBound) / 1e6
	if err := os.MkdirAll(r.dir, 0o755); err != nil {
		return fmt.Errorf("make the output directory: %w", err)
	}
	conditions := append(environment.Conditions(ctx, "/", here), r.shared...)
	for _, w := range conditions {
		r.progress.say("%s: %s", w.Code, w.Text)
	}
	if err := refuse(r.strict, conditions); err != nil {
		return err
	}
	if old != nil {
		r.record = old
		return r.checkSame(here)
	}
	r.record = &record.Record{
		SchemaVersion: record.SchemaVersion, DlbenchVersion: version(), Suite: r.selection.suite.Name, Profile: r.profile.Name,
		Created: r.program.now().UTC(), Updated: r.program.now().UTC(), Seed: r.selection.seed, Status: record.Running, Scenarios: r.scenarios.Names(),
		Environment: here, Terms: r.terms,
		Warnings: conditions, Workloads: []record.Workload{}, Runners: []record.Runner{}, Cells: []record.Cell{}, Comparisons: []record.Comparison{},
	}
	return r.fillRecord()
}

// checkSame refuses to mix two machines or two sets of terms in one record.
func (r *run) checkSame(machine record.Environment) error {
	old := r.record
	switch {
	case old.Environment.CPU != machine.CPU || old.Environment.Host != machine.Host:
		return usage(fmt.Errorf("%s was measured on %s (%s): a run goes on where it began", r.dir, old.Environment.Host, old.Environment.CPU))
	case old.Terms.Device != r.terms.Device:
		return usage(fmt.Errorf("%s was measured on %s: give --device %s", r.dir, old.Terms.Device, old.Terms.Device))
	case otherCard(old.Environment.GPUs, r.devices) != "":
		return usage(fmt.Errorf("%s was measured on %s: a run goes on where it began", r.dir, otherCard(old.Environment.GPUs, r.devices)))
	case old.Terms != r.terms:
		return usage(fmt.Errorf("%s was measured with %d threads on CPUs %s: give --threads and --cpus again", r.dir, old.Terms.Threads, old.Terms.CPUs))
	case old.Seed != r.selection.seed:
		return usage(fmt.Errorf("%s was measured with seed %d: give --seed %d", r.dir, old.Seed, old.Seed))
	}
	return nil
}

func (r *run) fillRecord() error {
	for _, id := range r.selection.workloads {
		w, err := describeWorkload(id, r.selection.seed)
		if err != nil {
			return err
		}
		r.record.Workloads = append(r.record.Workloads, w)
		for _, m := range r.selection.runners {
			if r.wanted != nil && !r.wanted(w.ID, m.Name) {
				continue
			}
			s := r.startable[m.Name]
			cell := record.Cell{Workload: w.ID, Runner: m.Name, FrameworkVersion: m.Version, Image: s.image, Device: s.device.Name,
				Status: record.Pending, Processes: []record.Process{}, Parity: record.Parity{Status: record.ParitySkipped, Checks: []record.Check{}}}
			if s.unusable != "" {
				cell.Status, cell.Reason = record.Unsupported, s.unusable
			}
			r.record.Cells = append(r.record.Cells, cell)
		}
	}
	for _, m := range r.selection.runners {
		s := r.startable[m.Name]
		r.record.Runners = append(r.record.Runners, record.Runner{Name: m.Name, Framework: m.Framework, FrameworkVersion: m.Version,
			Released: m.Released, Maintained: m.Maintained, CPUFeatures: m.CPUFeatures, Image: s.image, ImageID: s.imageID, Build: map[string]string{},
			Terms: record.RunnerTerms{CPUs: []int{}, Switches: map[string]string{}}})
	}
	return nil
}

// measure verifies every cell, then measures those that may be.
func (r *run) measure(ctx context.Context) error {
	began := time.Now()
	cells, err := r.cells(ctx, began)
	if err != nil {
		return r.interrupted(ctx, err)
	}
	if err := r.judge.Close(ctx); err != nil {
		return err
	}
	r.warnOfEngine()
	return campaign.Run(ctx, campaign.Config{
		Profile: r.profile, Budget: r.budget, Began: began, Seed: r.selection.seed, Cells: cells, Scenarios: r.scenarios, Record: r.record,
		Meter: r.meter, Limit: r.limit(), Summarize: summary.Summarize, Save: r.save,
		Progress: func(e campaign.Event) {
			r.progress.step(fmt.Sprintf("round %d: %s", e.Round+1, e.Cell), float64(e.Done)/float64(max(1, e.Total)), e.TimeLeft)
		},
	})
}

// cells verifies every cell that the budget has time for, and returns those that
// may be measured.
func (r *run) cells(ctx context.Context, began time.Time) ([]campaign.Cell, error) {
	made := make([]*campaign.Cell, len(r.record.Cells))
	var done, missed atomic.Int64
	err := r.byRunner(ctx, len(made), func(i int) string { return r.record.Cells[i].Runner }, func(ctx context.Context, i int) (err error) {
		if r.budget > 0 && time.Since(began) >= r.budget {
			missed.Add(1)
			return nil
		}
		made[i], err = r.cell(ctx, &r.record.Cells[i], float64(done.Add(1)-1)/float64(len(made)))
		return err
	})
	if err != nil {
		return nil, err
	}
	if missed.Load() > 0 {
		r.outOfTime()
	}
	var cells []campaign.Cell
	for _, cell := range made {
		if cell != nil {
			cells = append(cells, *cell)
		}
	}
	return cells, nil
}

// limit reads the memory limit of a container; plain processes have none.
func (r *run) limit() func(engine.Identity) (int64, error) {
	if _, lax := r.engine.(engine.Lax); lax {
		return nil
	}
	return func(id engine.Identity) (int64, error) { return sample.MemoryLimit("/", id.Cgroup) }
}

// outOfTime names the cells that the budget left unverified.
func (r *run) outOfTime() {
	var missed []string
	for i := range r.record.Cells {
		if c := &r.record.Cells[i]; c.Status == record.Pending && c.Parity.Status == record.ParitySkipped && len(c.Processes) == 0 {
			c.Reason = campaign.BudgetReason
			missed = append(missed, c.Workload+" "+c.Runner)
		}
	}
	r.warn(record.BudgetEnded, fmt.Sprintf("the budget of %s ended before %s were verified: give a longer --budget; verdicts are kept for the next run",
		r.budget, strings.Join(missed, ", ")))
}

// cell verifies a cell and makes it measurable; nil when it is not to be
// measured. A cell that does not pass is measured neither: its figure would be
// that of another computation.
func (r *run) cell(ctx context.Context, cell *record.Cell, share float64) (*campaign.Cell, error) {
	if cell.Status == record.Unsupported || cell.Status == record.Failed {
		return nil, nil
	}
	id, err := plan.ParseID(cell.Workload)
	if err != nil {
		return nil, err
	}
	out := &campaign.Cell{Runner: cell.Runner, Open: r.opener(cell.Runner)}
	if out.Plan, err = plan.New(id, r.selection.seed); err != nil {
		return nil, err
	}
	if out.Files, err = r.materialize(ctx, out.Plan); err != nil {
		return nil, err
	}
	if !r.verifying {
		return out, nil
	}
	r.progress.step("verify "+cell.Workload+" on "+cell.Runner, share, 0)
	verdict, err := r.verify(ctx, cell.Runner, id)
	if err != nil {
		return nil, err
	}
	cell.Parity = verdict.Parity
	out.Expect = verdict
	switch verdict.Parity.Status {
	case record.ParityPassed:
		return out, nil
	case record.ParityUnsupported:
		cell.Status, cell.Reason = record.Unsupported, verdict.Parity.Reason
	case record.ParityFailed:
		cell.Status, cell.Reason = record.NotRanked, verdict.Parity.Reason
		r.progress.say("%s on %s does not compute what the reference computes: %s", cell.Workload, cell.Runner, cell.Reason)
	default:
		cell.Status, cell.Reason = record.Failed, verdict.Parity.Reason
		r.progress.say("%s on %s: %s", cell.Workload, cell.Runner, cell.Reason)
	}
	return nil, nil
}

func (r *run) opener(runner string) func(ctx context.Context) (campaign.Runner, error) {
	start := r.open(r.startable[runner])
	return func(ctx context.Context) (campaign.Runner, error) {
		opened, err := start(ctx)
		if err != nil {
			return nil, err
		}
		noteRunner(r.record, runner, opened.Hello())
		if doubt := opened.Doubt(); doubt != "" {
			r.record.Warn(record.AboutRunner(runner), record.DeviceUnconfirmed, "%s", doubt)
		}
		return opened, nil
	}
}

// interrupted keeps what there is when verification is cut off.
func (r *run) interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		r.record.Status = record.Interrupted
		summary.Summarize(r.record)
		return errors.Join(err, r.save(r.record))
	}
	return err
}

// save writes every file of the run.
func (r *run) save(rec *record.Record) error {
	if err := record.Write(filepath.Join(r.dir, "result.json"), rec); err != nil {
		return err
	}
	if err := reports.WriteAll(r.dir, rec); err != nil {
		return err
	}
	return pointLatest(r.dir)
}

// pointLatest makes results/latest point at a run that lies in results.
func pointLatest(dir string) error {
	parent, name := filepath.Split(filepath.Clean(dir))
	if filepath.Base(parent) != "results" {
		return nil
	}
	link := filepath.Join(parent, "latest")
	if old, err := os.Readlink(link); err == nil && old == name {
		return nil
	}
	temp := link + fmt.Sprintf(".%d", os.Getpid())
	_ = os.Remove(temp)
	if err := os.Symlink(name, temp); err != nil {
		return fmt.Errorf("point results/latest at the run: %w", err)
	}
	return os.Rename(temp, link)
}
