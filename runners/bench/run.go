package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/dlbench/dlbench/metrics/environment"
	"github.com/dlbench/dlbench/metrics/record"
	"github.com/dlbench/dlbench/metrics/sample"
	"github.com/dlbench/dlbench/metrics/summary"
	"github.com/dlbench/dlbench/metrics/timeline"
	"github.com/dlbench/dlbench/runners/campaign"
	"github.com/dlbench/dlbench/runners/engine"
	"github.com/dlbench/dlbench/workloads/suite"
)

// Run verifies the runners, measures them side by side and returns the record,
// which was saved after every round. The record is nil if nothing could be
// begun; with a record, the error is what the cells amount to. KindOf tells what
// an error means.
func Run(ctx context.Context, o Options) (rec *record.Record, err error) {
	r := &run{budget: o.Budget, skipParity: o.SkipParity, dir: o.Dir, save: o.Save, machine: o.Machine, branch: o.Branch}
	for _, label := range []struct{ flag, name string }{{"--machine", o.Machine}, {"--branch", o.Branch}} {
		if !record.ValidLabel(label.name) {
			return nil, UsageError(fmt.Errorf("%s %q: expected %s", label.flag, label.name, record.LabelForm))
		}
	}
	if err := o.readImages(); err != nil {
		return nil, err
	}
	chosen, err := o.Select()
	if err != nil {
		return nil, err
	}
	if err := r.ask(&o, chosen); err != nil {
		return nil, err
	}
	if o.Resume != nil {
		if err := r.sameQuestion(o, chosen); err != nil {
			return nil, err
		}
	}
	if o.Asked != nil {
		o.Asked()
	}
	if o.Logs == "" && o.Dir != "" {
		o.Logs = filepath.Join(o.Dir, "logs")
	}
	if o.Timeline == nil && o.Dir != "" {
		o.Timeline = timeline.New(filepath.Join(o.Dir, timeline.FileName), o.Host.Now)
	}
	h := hooks{verify: !o.SkipParity}
	if o.Preview != nil && o.Resume == nil {
		h.preview = func(ctx context.Context, b *Bench) { r.preview(ctx, b, o.Preview) }
	}
	if r.Bench, err = open(ctx, o.Setup, chosen, h); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close(ctx)) }()
	here := r.host.Machine(ctx)
	if o.Resume == nil {
		e, err := r.estimate(o.Seen)
		if err != nil {
			return nil, err
		}
		r.progress.Say("%d cells; measuring takes %s%s", e.Cells, e, r.peakWords(here))
	}
	if err := r.begin(ctx, here, o.Resume); err != nil {
		return nil, err
	}
	if err := r.save(r.record); err != nil { // so that one that is killed before its first round ends can go on
		r.record.Status = record.Interrupted
		_ = r.save(r.record) // as far as there is room; what is lacking is told already
		return nil, err
	}
	err = r.measure(ctx)
	switch {
	case ctx.Err() != nil: // the outcome, and what went wrong beside it: what could not be saved
		return r.record, errors.Join(r.outcome(ctx), Besides(err))
	case err != nil:
		return r.record, err // which says why cells are pending
	}
	return r.record, r.outcome(ctx)
}

// run is one campaign from the first file to the last.
type run struct {
	*Bench
	dir        string
	profile    campaign.Profile
	budget     time.Duration
	skipParity bool
	scenarios  campaign.Scenarios
	machine    string // its name, if it was given one
	branch     string
	minChange  map[string]float64                 // of the suite, for checks of the record
	strict     []string                           // codes of warnings that are not accepted
	wanted     func(workload, runner string) bool // cells to measure; nil is all
	save       func(*record.Record) error
	record     *record.Record
}

// ask reads what is asked: the profile, the scenarios, and the warnings that are
// not accepted.
func (r *run) ask(o *Options, of Selection) (err error) {
	o.ofSuite(of.Suite)
	r.minChange = o.MinChange
	if r.profile, err = o.profile(); err != nil {
		return err
	}
	if r.strict, err = strictCodes(o.Strict); err != nil {
		return err
	}
	if r.scenarios, err = o.scenarios(); err == nil {
		err = fits(r.scenarios.Window, of, o.Seed)
	}
	if r.save == nil {
		r.save = func(*record.Record) error { return nil }
	}
	return err
}

// ofSuite takes from the suite what was not asked for.
func (o *Options) ofSuite(of suite.Suite) {
	if o.Profile == "" {
		o.Profile = of.Profile
	}
	if len(o.Scenarios) == 0 && o.Resume == nil {
		o.Scenarios = of.Scenarios
		if o.Volume == "" {
			o.Volume = of.Volume
		}
		if o.Overlap == nil {
			o.Overlap = of.Overlap
		}
	}
	if o.MinChange == nil {
		o.MinChange = of.MinChange
	}
}

func (o Options) profile() (campaign.Profile, error) {
	name := o.Profile
	profile, err := campaign.ProfileNamed(name)
	switch {
	case err != nil:
		return profile, unknown("profile", name, campaign.ProfileNames())
	case o.Rounds < 0:
		return profile, UsageError(fmt.Errorf("--rounds is %d, expected at least 1", o.Rounds))
	case o.Budget < 0:
		return profile, UsageError(fmt.Errorf("--budget is %s, expected a time like 20m", o.Budget))
	case o.Rounds > 0:
		profile = profile.WithRounds(o.Rounds)
	}
	return profile.Hastened(o.Host.Haste), nil
}

// scenarios are those asked for beside the ones that are always measured.
func (o Options) scenarios() (campaign.Scenarios, error) {
	var s campaign.Scenarios
	bound := o.LatencyBound
	if bound == 0 {
		bound = DefaultLatencyBound
	}
	if bound < 0 {
		return s, UsageError(fmt.Errorf("--latency-bound is %s, expected a time like 100ms", bound))
	}
	for _, name := range o.Scenarios {
		switch name {
		case record.MultiStream:
			s.MultiStream = true
		case record.Server:
			s.LatencyBound = bound
		case record.SlidingWindow:
			window, err := o.window()
			if err != nil {
				return s, UsageError(err)
			}
			s.Window = window
		case record.Offline, record.SingleStream, record.Train: // always measured where they apply
		default:
			return s, unknown("scenario", name, append([]string{record.Offline, record.SingleStream, record.Train}, campaign.ScenarioNames()...))
		}
	}
	if o.LatencyBound != 0 && s.LatencyBound == 0 {
		return s, UsageError(errors.New("--latency-bound is the server scenario's: give --scenario server too"))
	}
	if (o.Volume != "" || o.Overlap != nil) && s.Window.None() {
		return s, UsageError(errors.New("--volume and --overlap are the sliding-window scenario's: give --scenario sliding-window too"))
	}
	return s, nil
}

// begin makes the record of this machine, with every cell pending, and the judge.
func (r *run) begin(ctx context.Context, here record.Environment, old *record.Record) error {
	here.Engine = r.engine.Name()
	here.EngineVersion = r.engine.Probe(ctx).Version
	limits := limitsOn(ctx, r.engine)
	here.CPUQuota, here.MemoryLimit = limits.CPUs, limits.MemoryBytes
	here.CPUSet, here.SlurmJob = cpuSet(here.LogicalCPUs, limits), r.host.Getenv("SLURM_JOB_ID")
	if containers, ok := r.engine.(*engine.CLI); ok {
		limits := containers.Limits(engine.Spec{MemoryBytes: r.terms.MemoryBytes})
		here.Limits = &limits
	}
	here.Machine = r.machine
	if err := r.newJudge(here.CPU, false); err != nil {
		return err
	}
	r.terms.LatencyBoundMS = float64(r.scenarios.LatencyBound) / 1e6
	r.terms.Volume, r.terms.Overlap = r.scenarios.Window.String(), r.scenarios.Window.Overlap
	if r.dir != "" {
		if err := os.MkdirAll(r.dir, 0o755); err != nil {
			return fmt.Errorf("make the output directory: %w", err)
		}
	}
	conditions := slices.Concat(environment.Conditions(ctx, "/", here), r.shared, r.neighbours(ctx))
	for _, w := range conditions {
		r.progress.Say("%s: %s", w.Code, w.Text)
	}
	if err := refuse(r.strict, conditions); err != nil {
		return err
	}
	if old != nil {
		return r.resume(ctx, old, here, conditions)
	}
	return r.newRecord(here, conditions)
}

// measure verifies every cell, then measures those that may be.
func (r *run) measure(ctx context.Context) error {
	began := time.Now()
	cells, err := r.cells(ctx, began)
	if err != nil {
		return r.interrupted(err)
	}
	if err := r.judge.Close(ctx); err != nil {
		return err
	}
	r.warnOfEngine()
	if len(cells) > 0 {
		if err := r.peaks(ctx); err != nil {
			return r.interrupted(err)
		}
	}
	others := watchOthers(r.self)
	defer others.end()
	return campaign.Run(ctx, campaign.Config{
		Profile: r.profile, Budget: r.budget, Began: began, Seed: r.seed, Cells: cells, Scenarios: r.scenarios, Record: r.record,
		Meter: r.meter, Limit: r.limit(), Summarize: summary.Summarize, Save: func(rec *record.Record) error {
			r.warnAll(others.look())
			return r.save(rec)
		},
		Timeline: r.timeline,
		Progress: func(e campaign.Event) {
			r.progress.Step(fmt.Sprintf("round %d: %s", e.Round+1, e.Cell), float64(e.Done)/float64(max(1, e.Total)), e.TimeLeft)
		},
	})
}

// limit reads the memory limit of a container; plain processes have none.
func (r *run) limit() func(engine.Identity) (int64, error) {
	if _, bestEffort := r.engine.(engine.BestEffort); bestEffort {
		return nil
	}
	return func(id engine.Identity) (int64, error) { return sample.MemoryLimit("/", id.Cgroup) }
}

// interrupted keeps what there is when verification is cut off, or cannot go on.
func (r *run) interrupted(err error) error {
	r.record.Status = record.Interrupted
	summary.Summarize(r.record)
	return errors.Join(err, r.save(r.record))
}
